#!/usr/bin/env bash
# What is deep (100,000 levels), huge (100 MB) and much of little gets a 4xx, at a bounded
# price: the server's own memory does not grow with it, and others are answered meanwhile.
# Whether somebody is in a large group is known at once.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
d() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
token=$(d token create --name heavy --scope write)
d user add ann
# A group of 20,000.
{ for ((i = 0; i < 20000; i++)); do echo "{\"userName\":\"n$i\",\"id\":\"n$i\"}"; done
  printf '{"displayName":"large","members":['
  for ((i = 0; i < 20000; i++)); do printf '{"value":"n%d"},' $i; done
  echo '{"value":"n0"}]}'; } >"$box/large.json"
d --quiet import "$box/large.json"
user=$(d --json user show ann | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
"$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || { cat "$box/log" >&2; exit 1; }; read -rt 0.02 <> <(:) || :; done
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
node "$SRC/tests/directory/heavy.mjs" "$port" "$token" "$user" "$server"
d --json user show ann | grep -q '"userName":"ann"'
kill "$server"
wait "$server"
server=
