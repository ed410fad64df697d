#!/usr/bin/env bash
# Somebody without privileges holds as many connections to the control socket as they
# get, says nothing, half a request, or garbage on them, and comes again whenever one is
# closed: root's questions are answered as before, the daemon takes no more memory for
# it than for a few, and the journal has one line about it.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 60 3
all_of_it
scimd_start
fail() { echo "$*" >&2; tail -5 "$NS_TMP/scimd.log" >&2; cat "$NS_TMP/flood" >&2; exit 1; }
memory() { awk '/^RssAnon/ { print int($2 / 1024) }' "/proc/$SCIMD_PID/status"; }
before=$(memory)

cat >/run/flood.mjs <<'JS'
import net from 'node:net'
const say = [null, Buffer.from([0, 0, 1, 0, 123]), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0, 0, 0, 3, 123, 125, 125]), Buffer.from([0, 0, 0, 2, 123, 125])]
let open = 0, refused = 0, most = 0
function one(i) {
  let was = false
  const s = net.connect('/run/scimd/scimd.sock', () => { was = true; open++; most = Math.max(most, open); if (say[i % say.length]) s.write(say[i % say.length]) })
  s.on('error', () => {})
  s.on('close', () => { if (was) open--; refused++; setTimeout(one, 5, i) })
  s.resume()
}
for (let i = 0; i < Number(process.argv[2]); i++) one(i)
setTimeout(() => console.log('ready'), 1000)
process.on('SIGTERM', () => { console.log(`${most} at once, ${refused} closed`); process.exit(0) })
JS
ulimit -n "$(ulimit -Hn)"
nice -n 10 setpriv --reuid 65534 --regid 65534 --clear-groups node /run/flood.mjs 2000 >"$NS_TMP/flood" 2>&1 &
flooder=$!
tenacious 20 grep -qx ready "$NS_TMP/flood" || fail "the flood does not begin"
slowest=0
for i in $(seq 1 40); do
  from=$(date +%s%N)
  scimctl --json check "user000$(printf %02d $i)" >"$NS_TMP/out" 2>&1 || [ $? = 6 ] || fail "root's question $i: $(cat "$NS_TMP/out")"
  took=$((($(date +%s%N) - from) / 1000000))
  [ $took -le $slowest ] || slowest=$took
  grep -qE '"answer":"(active|disabled)"' "$NS_TMP/out" || fail "no live answer: $(cat "$NS_TMP/out")"
done
after=$(memory)
kill "$flooder"
wait "$flooder" || :
echo "$(tail -n 1 "$NS_TMP/flood"); root waited $slowest ms at most; $((after - before)) MiB"
# A busy machine is slower than its server; what an idle one takes is printed.
[ "$slowest" -lt 1000 ] || fail "root waited $slowest ms"
[ $((after - before)) -le 16 ] || fail "it took $((after - before)) MiB"
[ "$(grep -c 'control socket: a client sent' "$NS_TMP/scimd.log")" = 1 ] || fail "not one line in the journal"
scimctl check user00001 >/dev/null || fail "not well afterwards"
kill -0 "$SCIMD_PID"
