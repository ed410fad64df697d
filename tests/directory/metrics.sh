#!/usr/bin/env bash
# /health without a token and /metrics with one: codes, methods, the form of
# OpenMetrics, and that the figures are what happened.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
die() { echo "metrics.sh: $*" >&2; exit 1; }
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\nbase_path = /scim/v2\n' "$box" >"$box/conf"
d() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
read=$(d token create --name monitoring --scope read)
"$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || die "$(cat "$box/log")"; read -rt 0.02 <> <(:) || :; done
root=http://127.0.0.1:$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
ask() { curl -s --noproxy '*' -m 20 "$@"; }
code() { ask -o /dev/null -w '%{http_code}' "$@"; }
metrics() { ask -f -H "Authorization: Bearer $read" "$root/metrics" >"$box/metrics" || die "no metrics"; }
value() { awk -v n="$1" '$1 == n { print $2; found = 1 } END { if (!found) print "none" }' "$box/metrics"; }

echo "# health"
[ "$(ask -w ' %{http_code} %{content_type}' "$root/health")" = $'ok\n 200 text/plain; charset=utf-8' ]
[ "$(code -I "$root/health")" = 200 ]
[ "$(code "$root/health/")" = 200 ]
[ "$(code -H 'Authorization: Bearer nonsense' "$root/health")" = 200 ]
[ "$(code -X POST "$root/health")" = 401 ] # nobody learns what there is
[ "$(ask -i -X POST -u "x:$read" "$root/health" | tr -d '\r' | sed -n 's/^Allow: //p')" = GET ]

echo "# metrics: who may ask"
ask -i "$root/metrics" >"$box/answer"
head -n 1 "$box/answer" | grep -q ' 401'
grep -q '^scim_directory' "$box/answer" && die "metrics without a token"
for scheme in Bearer Basic; do grep -qi "^www-authenticate: *$scheme " "$box/answer" || die "$scheme is not offered"; done
[ "$(code -u "x:$read" "$root/metrics")" = 200 ]
[ "$(code -X PUT -u "x:$read" "$root/metrics")" = 405 ]
type=$(ask -o /dev/null -w '%{content_type}' -u "x:$read" "$root/metrics")
[ "$type" = 'application/openmetrics-text; version=1.0.0; charset=utf-8' ] || die "$type"

echo "# metrics: the form"
metrics
awk '
  last { print "text after # EOF"; exit 1 }
  /^# EOF$/ { last = 1; next }
  /^# TYPE [a-z_]+ (gauge|counter)$/ { if ($3 in type) { print "twice: " $3; exit 1 } type[$3] = $4; family = $3; next }
  /^[a-z_]+(\{[a-z]+="[A-Za-z0-9]+"\})? [0-9]+$/ {
    name = $1; sub(/\{.*/, "", name)
    want = type[family] == "counter" ? family "_total" : family
    if (name != want) { print $1 " does not belong to " family; exit 1 }
    if (seen[$1]++) { print "twice: " $1; exit 1 }
    next }
  { print "not OpenMetrics: " $0; exit 1 }
  END { if (!last) { print "no # EOF"; exit 1 } }' "$box/metrics" || die "$(cat "$box/metrics")"

echo "# metrics: the figures"
[ "$(value 'scim_directory_resources{type="User"}')" = 0 ]
[ "$(value scim_directory_events_total)" = 0 ]
good=$(value 'scim_directory_answers_total{status="2xx"}') bad=$(value 'scim_directory_answers_total{status="4xx"}')
d user add ann; d user add bob; d group add dev
d user disable bob
[ "$(code "$root/scim/v2/Users")" = 401 ]
[ "$(code -u "x:$read" "$root/scim/v2/Users/nobody")" = 404 ]
[ "$(code -u "x:$read" "$root/")" = 200 ]
metrics
[ "$(value 'scim_directory_resources{type="User"}')" = 2 ]
[ "$(value 'scim_directory_resources{type="Group"}')" = 1 ]
[ "$(value scim_directory_events_total)" = 5 ] || die "$(cat "$box/metrics")" # three new, one patched, one deactivated
[ "$(value 'scim_directory_answers_total{status="2xx"}')" = $((good + 2)) ] || die "2xx: $good then $(cat "$box/metrics")"
[ "$(value 'scim_directory_answers_total{status="4xx"}')" = $((bad + 2)) ] || die "4xx: $bad then $(cat "$box/metrics")"
[ "$(value 'scim_directory_answers_total{status="5xx"}')" = 0 ]
[ "$(value scim_directory_store_bytes)" -gt 4096 ]
[ "$(value scim_directory_connections)" -ge 1 ]
[ "$(value scim_directory_polls_waiting)" = 0 ]
