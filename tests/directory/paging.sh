#!/usr/bin/env bash
# Lists walked by cursor while others write: whatever is there all the time is seen once,
# at the root (Users, then Groups) and per type, filtered, sorted and as they are.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\npage_max = 200\n' "$box" >"$box/conf"
token=$("$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" token create --name paging --scope write)
"$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || { cat "$box/log" >&2; exit 1; }; read -rt 0.02 <> <(:) || :; done
node "$SRC/tests/directory/paging.mjs" "http://127.0.0.1:$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")/scim/v2" "$token"
kill "$server"
wait "$server" || { tail -40 "$box/log" >&2; exit 1; }
server=
