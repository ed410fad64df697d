#!/usr/bin/env bash
# What the audit log says of each change: every member who was added or removed, by
# whatever form of request, and all that was there of what is deleted.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
bin=$BUILD/root/usr/sbin/scim-directory
token=$("$bin" --config "$box/conf" token create --name auditor --scope write)
"$bin" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || { cat "$box/log" >&2; exit 1; }; read -rt 0.02 <> <(:) || :; done
node "$SRC/tests/directory/audit.mjs" "http://127.0.0.1:$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")/scim/v2" "$token" "$bin" "$box/conf"
"$bin" --config "$box/conf" audit --verify | grep -q 'the chain is whole'
kill "$server"
wait "$server" || { tail -40 "$box/log" >&2; exit 1; }
server=
