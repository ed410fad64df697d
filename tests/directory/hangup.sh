#!/usr/bin/env bash
# Clients that hang up as soon as they have asked: while what they asked for waits for
# its commit, or for an event. The server goes on, and ends well.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
ip link set lo up
box=$(mktemp -d "$BUILD/hangup.XXXXXX") # a disk's file system: a commit takes its time
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
directory() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
token=$(directory token create --name hangup --scope write)
"$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do
  kill -0 "$server" || { cat "$box/log" >&2; exit 1; }
  read -rt 0.02 <> <(:) || :
done
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")

cat >"$box/client.mjs" <<'EOF'
import net from 'node:net'
const [port, token] = process.argv.slice(2)
const request = (method, path, body) => `${method} /scim/v2${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
  `Content-Type: application/scim+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const ask = (text) => fetch(`http://127.0.0.1:${port}/scim/v2${text}`, { headers: { Authorization: `Bearer ${token}` } })
// Marks of this feed's kind: they are looked at, sorted and thrown away.
const ack = Array.from({ length: 2000 }, (_, i) => `00000000000000aa-${i + 1}`)
const drop = (text) => new Promise((done) => {
  const s = net.connect(port, '127.0.0.1', () => s.write(text, () => s.resetAndDestroy()))
  s.on('error', () => {})
  s.on('close', done)
})
for (let round = 0; round < 40; round++) {
  const all = []
  for (let i = 0; i < 25; i++) {
    all.push(drop(request('POST', `/Events/h${round % 4}x${i}`, JSON.stringify({ ack, 'urn:scimd:report': { host: `host${i}`, lockouts: [{ id: `x${round}`, denied_at: 'now' }] } }))))
    all.push(drop(request('POST', `/Events/w${i}`, '{}')))
    all.push(drop(request('POST', '/Users', JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: `u${round}x${i}` }))))
  }
  await Promise.all(all)
  if ((await ask('/Users?count=1')).status !== 200) throw new Error(`round ${round}: no list`)
}
EOF
node "$box/client.mjs" "$port" "$token" || { cat "$box/log" >&2; exit 1; }
kill "$server"
wait "$server" || { echo "the server ended with $?" >&2; cat "$box/log" >&2; exit 1; }
server=
directory audit --verify >/dev/null
echo "3000 hung up"
