#!/usr/bin/env bash
# scim-directory over real sockets: the request sequences of identity providers
# (sequences/*.json), what the protocol asks for, and a restart in between.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
directory() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
write=$(directory token create --name write --scope write)
read=$(directory token create --name read --scope read)

start() {
  : >"$box/log" # what the last one said is no sign of this one
  "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
  server=$!
  until grep -q '^scimd: serving\|serving .* on port' "$box/log"; do
    kill -0 "$server" || { cat "$box/log" >&2; exit 1; }
    read -rt 0.02 <> <(:) || :
  done
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
}
stop() {
  kill "$server"
  wait "$server" || { echo "serve ended with $?" >&2; exit 1; }
  server=
}

start
node "$SRC/tests/directory/sequences.mjs" "http://127.0.0.1:$port/scim/v2" "$write" "$read" "$SRC"/tests/directory/sequences/*.json
stop
# A poll that waits is answered by the next change, through HTTP or the command line.
start
api=http://127.0.0.1:$port/scim/v2
poll() { curl -sf -m 20 --noproxy '*' -H "Authorization: Bearer $read" -H 'Content-Type: application/json' "$api/Events/waiter" -d "$1"; }
poll '{"returnImmediately":true}' >/dev/null
for how in http local; do
  poll '{}' >"$box/poll" &
  waiting=$!
  until curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/metrics" | grep -q '^scim_directory_polls_waiting 1'; do read -rt 0.02 <> <(:) || :; done
  before=$(date +%s%N)
  if [ $how = http ]; then
    curl -sf -o /dev/null --noproxy '*' -H "Authorization: Bearer $write" -H 'Content-Type: application/scim+json' "$api/Users" -d '{"userName":"by-http"}'
  else
    directory user add by-hand
  fi
  wait "$waiting"
  echo "a waiting poll was answered $((($(date +%s%N) - before) / 1000000)) ms after a change ($how)"
  jti=$(sed -n 's/^{"sets":{"\([^"]*\)".*/\1/p' "$box/poll")
  [ -n "$jti" ] || { echo "no event in: $(cat "$box/poll")" >&2; exit 1; }
  poll "{\"ack\":[\"$jti\"],\"returnImmediately\":true}" | grep -q '"sets":{}'
done
# One that waits ends with its token: revoked, revoked just before something happens, expired.
polled() { curl -s -m 20 -o "$box/poll" -D "$box/head" -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $2" -H 'Content-Type: application/json' "$api/Events/$1" -d "$3"; }
for how in revoked late expired; do
  expires=()
  [ $how != expired ] || expires=(--expires "$(date -u -d '+3 seconds' +%FT%TZ)")
  secret=$(directory token create --name "ends-$how" --scope read "${expires[@]}")
  [ "$(polled "ends-$how" "$secret" '{"returnImmediately":true}')" = 200 ]
  polled "ends-$how" "$secret" '{}' >"$box/code" &
  waiting=$!
  until curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/metrics" | grep -q '^scim_directory_polls_waiting 1'; do read -rt 0.02 <> <(:) || :; done
  before=$(date +%s%N)
  [ $how = expired ] || directory token revoke "ends-$how"
  [ $how != late ] || directory user add by-nobody
  wait "$waiting"
  [ "$(cat "$box/code")" = 401 ] && ! grep -q '"sets"' "$box/poll" || { echo "$how: $(cat "$box/code" "$box/poll")" >&2; exit 1; }
  grep -qi '^www-authenticate: Bearer' "$box/head"
  echo "a waiting poll ended $((($(date +%s%N) - before) / 1000000)) ms later ($how)"
done
stop
# What was answered is there after a restart, and the chain of the audit log is whole.
users=$(directory --no-legend user list | wc -l)
start
seen=$(curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users?count=0" | sed 's/.*"totalResults":\([0-9]*\).*/\1/')
[ "$users" = "$seen" ] || { echo "$users users in the store, $seen served" >&2; exit 1; }
# The command line works beside the server, and the server sees it at once.
directory user add late
[ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users?filter=userName%20eq%20%22late%22")" = 200 ]
directory --json user show late | grep -q '"userName":"late"'
directory user disable late
directory --json user show late | grep -q '"active":false'
directory token list | grep -q "^[0-9a-f]* *read  *read .* 20..-..-..T[^ ]*$" || { echo "no last use:" >&2; directory token list >&2; exit 1; }
directory token revoke read
[ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users")" = 401 ]
directory audit --verify
stop
# Where it listens on every address, locations lead to this machine by its name, or to url.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=any -keyout "$box/any.key" -out "$box/any.pem" 2>/dev/null
for case in '[::]:0 ' '0.0.0.0:0 ' '[::]:0 https://id.example.com/scim/v2'; do
  listen=${case% *} url=${case#* }
  printf '[server]\nlisten = %s\nstate_dir = %s/state\ntls_cert = %s/any.pem\ntls_key = %s/any.key\n%s\n' "$listen" "$box" "$box" "$box" "${url:+url = $url}" >"$box/conf"
  start
  want=${url:-https://$(uname -n):$port/scim/v2}
  curl -sfk --noproxy '*' -H "Authorization: Bearer $write" "https://127.0.0.1:$port/scim/v2/Users?count=1" | grep -q "\"location\":\"$want/Users/" || { echo "$case: no $want" >&2; exit 1; }
  stop
done
