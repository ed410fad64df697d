#!/usr/bin/env bash
# The operator's page: who may see it, what it says of hosts and of people who left,
# that hostile names stay text, that it is bounded, and that a text browser and
# Chromium show it. Screenshots are kept in $BUILD/artefacts.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
die() { echo "page.sh: $*" >&2; exit 1; }
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
d() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
write=$(d token create --name okta --scope write)
read=$(d token create --name hosts --scope read)
db=$(d token create --name databases --scope read)
d sample >/dev/null
"$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || die "$(cat "$box/log")"; read -rt 0.02 <> <(:) || :; done
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
root=http://127.0.0.1:$port api=$root/scim/v2
ask() { curl -s --noproxy '*' -m 20 "$@"; }
code() { ask -o /dev/null -w '%{http_code}' "$@"; }
page() { ask -f -u "me:$read" "$root/" >"$box/page" || die "the page does not come"; }
# poll TOKEN RECEIVER [APPLIED [MORE]]: one poll that returns at once, with a report.
poll() {
  ask -f -H "Authorization: Bearer $1" -H 'Content-Type: application/json' "$api/Events/$2" -d \
    "{\"returnImmediately\":true,\"maxEvents\":1000,\"urn:scimd:report\":{\"host\":\"$2.example.com\"${3:+,\"applied\":\"$3\"}${4:-}}}"
}
feed='' # its name: what stands before the dash of an event
head_number() { ask -f -H "Authorization: Bearer $read" "$root/metrics" | sed -n 's/^scim_directory_events_total //p'; }
# rows HEADING: the rows of the table under it, a line each, cells separated by |
rows() {
  awk -v h="$1" '/^<h[23][ >]/ { on = index($0, h) > 0 } on && /^<tr>/' "$box/page" |
    sed 's/<\/t[dh]>/|/g; s/<[^>]*>//g'
}
has() { grep -qE -- "$2" <<<"$1" || die "\"$2\" is not in: $1"; }

echo "# who may see it"
for how in "" "-u x:wrong" "-H Authorization:Bearer"; do
  # shellcheck disable=SC2086
  ask -i $how "$root/" >"$box/answer"
  head -n 1 "$box/answer" | grep -q ' 401' || die "without a token: $(head -n 1 "$box/answer")"
  grep -qi '^www-authenticate: *bearer ' "$box/answer" || die "no Bearer is offered"
  grep -qi '^www-authenticate: *basic ' "$box/answer" || die "no Basic is offered"
  grep -qi 'html\|ada' "$box/answer" && die "who has no token sees: $(cat "$box/answer")"
done
[ "$(code -X POST "$root/")" = 401 ]
for method in POST PUT PATCH DELETE OPTIONS; do
  ask -i -X $method -u "me:$write" "$root/" >"$box/answer"
  head -n 1 "$box/answer" | grep -q ' 405' || die "$method: $(head -n 1 "$box/answer")"
  grep -qi '^allow: *GET' "$box/answer" || die "$method: no Allow"
done
for who in "-u anybody:$read" "-u :$write" "-H Authorization:\ Bearer\ $read"; do
  eval "[ \"\$(code $who $root/)\" = 200 ]" || die "a valid token is refused"
done
[ "$(ask -I -u "me:$read" -o /dev/null -w '%{http_code} %{content_type}' "$root/")" = '200 text/html; charset=utf-8' ]
page; has "$(cat "$box/page")" 'seen with the token <bdi>hosts</bdi>'

echo "# a browser that knows the token does not lend it to other pages"
new() { code -H 'Content-Type: application/json' "$@" "$api/Users" -d '{"userName":"lent"}'; }
[ "$(new -u "me:$write" -H 'Origin: https://evil.example')" = 403 ]
[ "$(new -u "me:$write" -H 'Sec-Fetch-Site: cross-site')" = 403 ]
[ "$(new -H "Authorization: Bearer $write" -H 'Origin: https://evil.example')" = 201 ]
[ "$(code -X DELETE -u "me:$write" "$api/Users/$(d --json user show lent | sed 's/^{"id":"\([^"]*\)".*/\1/')")" = 204 ]

echo "# nothing that a browser would run or fetch"
ask -D "$box/head" -o "$box/page" -u "me:$read" "$root/"
policy=$(grep -i '^content-security-policy:' "$box/head")
has "$policy" "default-src 'none'"
has "$policy" "form-action 'none'.*frame-ancestors 'none'"
hash=$(sed -n 's/.*<style>\(.*\)<\/style>.*/\1/p' "$box/page" | tr -d '\n' | openssl dgst -sha256 -binary | base64)
grep -qF "style-src 'sha256-$hash'" <<<"$policy" || die "the policy does not fit the style: $policy, not $hash"
if grep -qiE '<(script|link|img|iframe|form|object|base)|[^-]src=|href="[^#]|javascript:|url\(|@import' "$box/page"; then die "the page fetches or runs something"; fi
for h in 'cache-control: no-store' 'x-content-type-options: nosniff' 'referrer-policy: no-referrer'; do grep -qi "^$h" "$box/head" || die "no $h"; done

echo "# counts and changes"
d user disable ken
d user add gone; d user delete gone
page
has "$(rows Counts)" '^11\|1\|4\|1\|2\|0\|$'
has "$(rows 'Last changes')" 'user disabled\|ken\|local: [a-z]+\|active\|$'
has "$(rows 'Last changes')" 'token created\|okta\|local: '
has "$(rows 'Last changes')" 'user created\|lent\|okta\|userName'
[ "$(code -H 'Content-Type: application/json' -H "Authorization: Bearer $write" "$api/Users" -d '{"userName":"pushed"}')" = 201 ]
page; has "$(rows 'Last changes' | head -n 1)" 'user created\|pushed\|okta\|'

echo "# hosts: the worst first, with the token that each report came with"
poll "$read" web1 >/dev/null; poll "$read" web2 >/dev/null; poll "$db" db1 >/dev/null
page
[ "$(rows Hosts | grep -c 'up to date.*no report')" = 3 ] || die "fresh hosts: $(rows Hosts)"
d user disable ada
feed=$(poll "$read" web1 | grep -oE '"[0-9a-f]{16}-[0-9]+"' | head -n 1 | tr -d '"'); feed=${feed%-*}
head=$(head_number)
poll "$read" web1 "$feed-$head" >/dev/null
poll "$db" db1 "$feed-99999" >/dev/null # the future: believed of nobody
page
has "$(rows Hosts | sed -n 1p)" '^db1\.example\.com\|behind by 2\|20.*\|no report\|20.*\|databases\|'
has "$(rows Hosts | sed -n 2p)" '^web2\.example\.com\|behind by 2\|'
has "$(rows Hosts | sed -n 3p)" "^web1\.example\.com\|up to date\|20[^|]*\|$head of $head\|20[^|]*\|hosts\|"
has "$(cat "$box/page")" '1 of 3 up to date, 2 behind, 0 silent'

echo "# who left: on which hosts the door is closed, and since when"
has "$(rows '<bdi>ada')" '^web1\.example\.com\|closed\|20[^|]*\|–\|hosts\|$'
[ "$(rows '<bdi>ada' | grep -c 'not closed yet|20')" = 2 ] || die "ada: $(rows '<bdi>ada')"
has "$(rows '<bdi>ada' | tail -n 1)" '^web1'
grep -q 'Closed on 1 of 3 hosts' "$box/page"
since=$(rows '<bdi>ada' | grep '^web1')
id=$(d --json user show ada | sed 's/^{"id":"\([^"]*\)".*/\1/')
for i in 1 2 3; do # the host goes on; the time stays
  d user add "later$i"; poll "$read" web1 "$feed-$(head_number)" >/dev/null
done
page
[ "$(rows '<bdi>ada' | grep '^web1')" = "$since" ] || die "the time moved from $since to $(rows '<bdi>ada' | grep '^web1')"
poll "$db" db1 "" ",\"lockouts\":[{\"id\":\"$id\",\"denied_at\":\"2099-01-02T03:04:05Z\",\"ended_at\":\"2099-01-02T03:04:07Z\"}]" >/dev/null
page
has "$(rows '<bdi>ada')" '^db1\.example\.com\|closed\|2099-01-02 03:04:05\|2099-01-02 03:04:07\|databases\|'
d user enable ada
page
if grep -q '<h3><bdi>ada' "$box/page"; then die "who came back is still listed"; fi
grep -q '<h3><bdi>gone</bdi></h3>' "$box/page" || die "a deleted person has no name: $(grep '<h3>' "$box/page")"
d user disable ada # the door was closed then, not when the person was deleted
number=$(head_number)
d user delete ada
page
grep -A1 '<h3><bdi>ada</bdi></h3>' "$box/page" | grep -q "Deleted.*(change $number)" || die "$(grep -A1 '<h3><bdi>ada' "$box/page")"

echo "# hostile names stay text"
evil='<script>alert(1)</script>'
d user add "$evil" --display '"><img src=x onerror=alert(2)> &lt; '"'"' ‮evil' --inactive
d user enable "$evil"; d user disable "$evil"
d group add '</table></body><iframe src=x>'
poll "$read" evil >/dev/null
ask -f -o /dev/null -H "Authorization: Bearer $read" -H 'Content-Type: application/json' "$api/Events/evil" \
  -d '{"returnImmediately":true,"urn:scimd:report":{"host":"\u0007<b>\"x\" onload=y</b>","lockouts":[{"id":"<u>"}]}}'
page
if grep -qiE '<(script|img|iframe|b|u)[ >]|onload=y</b>|<[^>]*onerror' "$box/page"; then die "a name became markup"; fi
[ "$(grep -c '</table></body>' "$box/page")" = 0 ]
grep -qF '<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi> (<bdi>&quot;&gt;&lt;img src=x onerror=alert(2)&gt; &amp;lt; &#39;' "$box/page" || die "$(grep '<h3>' "$box/page")"
grep -qF '<bdi>�&lt;b&gt;&quot;x&quot; onload=y&lt;/b&gt;</bdi>' "$box/page" || die "$(rows Hosts)"

echo "# a text browser"
w3m -dump -cols 140 -T text/html <"$box/page" >"$box/text"
for w in '^scim-directory$' '^Active users +Disabled users +Groups' '^Recently disabled$' '<script>alert' 'Host +Door +Since' '^Last changes$'; do
  has "$(cat "$box/text")" "$w"
done

echo "# Chromium, light, dark and on a phone"
mkdir -p "$BUILD/artefacts"
chrome() {
  timeout 120 chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars \
    --no-proxy-server --user-data-dir="$box/chrome" --enable-logging=stderr "$@" "http://me:$read@127.0.0.1:$port/" 2>"$box/chrome.log" ||
    die "$(tail -n 20 "$box/chrome.log")"
  if grep -iE 'CONSOLE.*(refused|violat|error)' "$box/chrome.log"; then die "Chromium complains about the page"; fi
}
chrome --window-size=1200,1400 --screenshot="$BUILD/artefacts/page.png"
chrome --window-size=1200,1400 --blink-settings=preferredColorScheme=0 --screenshot="$BUILD/artefacts/page-dark.png"
chrome --window-size=500,1400 --screenshot="$BUILD/artefacts/page-phone.png"
for f in page page-dark page-phone; do
  head -c 4 "$BUILD/artefacts/$f.png" | grep -q PNG || die "$f.png is no picture"
  [ "$(stat -c %s "$BUILD/artefacts/$f.png")" -gt 20000 ] || die "$f.png is empty"
done
[ "$(cmp "$BUILD/artefacts/page.png" "$BUILD/artefacts/page-dark.png" >/dev/null && echo same || echo other)" = other ] || die "the dark page is the light one"
chrome --dump-dom >"$box/dom"
grep -q '>Recently disabled</h2>' "$box/dom"
grep -q '&lt;script&gt;alert(1)' "$box/dom" || die "Chromium does not show the name"
if grep -qiE '<(script|img|iframe)' "$box/dom"; then die "a name became an element"; fi

echo "# bounded"
ask -o /dev/null -H "Authorization: Bearer $db" -H 'Content-Type: application/json' "$api/Events/many-[1-150]" -d '{"returnImmediately":true}'
printf '{"userName":"bulk%d","active":true}\n' {1..60} >"$box/in.json"
d import "$box/in.json" >/dev/null
for i in {1..25}; do d user disable "bulk$i"; done
page
[ "$(rows Hosts | wc -l)" = 100 ] || die "$(rows Hosts | wc -l) hosts are shown"
grep -q 'The 100 worst are shown' "$box/page"
[ "$(rows 'Last changes' | wc -l)" = 50 ]
[ "$(grep -c '<h3>' "$box/page")" = 20 ]
size=$(stat -c %s "$box/page")
echo "150 hosts, 25 leavers: $size bytes"
[ "$size" -lt 600000 ]
