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
# What was answered is there after a restart, and the chain of the audit log is whole.
users=$(directory user list | wc -l)
start
seen=$(curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users?count=0" | sed 's/.*"totalResults":\([0-9]*\).*/\1/')
[ "$users" = "$seen" ] || { echo "$users users in the store, $seen served" >&2; exit 1; }
# The command line works beside the server, and the server sees it at once.
directory user add late
[ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users?filter=userName%20eq%20%22late%22")" = 200 ]
directory user show late | grep -q '"userName":"late"'
directory user disable late
directory user show late | grep -q '"active":false'
directory token revoke read
[ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users")" = 401 ]
directory audit verify
stop
