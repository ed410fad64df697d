#!/usr/bin/env bash
# What asks for much: questions with many candidates are answered beside the others and in
# turns, a Bulk whose operations wait for each other costs as much as one in order, a PATCH
# that looks at everything again and again ends, and answers that nobody reads do, too.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
ip link set lo up
echo '4096 16384 65536' >/proc/sys/net/ipv4/tcp_wmem # what is not read is the server's, not the kernel's
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
bin=$BUILD/root/usr/sbin/scim-directory
{ for ((i = 0; i < 20000; i++)); do echo "{\"userName\":\"u$i\",\"displayName\":\"same\",\"externalId\":\"e\",\"emails\":[{\"value\":\"all@example.com\"}]}"; done
  printf '{"displayName":"all","members":['
  for ((i = 0; i < 20000; i++)); do printf '{"value":"u%d"},' $i; done
  echo '{"value":"u0"}]}'; } >"$box/in.json"
"$bin" --config "$box/conf" import "$box/in.json" >/dev/null
token=$("$bin" --config "$box/conf" token create --name dear --scope write)
other=$("$bin" --config "$box/conf" token create --name other --scope read)
"$bin" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || { cat "$box/log" >&2; exit 1; }; read -rt 0.02 <> <(:) || :; done
node "$SRC/tests/directory/dear.mjs" "http://127.0.0.1:$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")/scim/v2" "$token" "$other" "$server"
kill "$server"
wait "$server" || { tail -40 "$box/log" >&2; exit 1; }
server=
