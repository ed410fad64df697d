#!/usr/bin/env bash
# scim-directory is killed (SIGKILL) while twelve connections write: POST, PATCH, PUT,
# DELETE and Bulk. After each kill every write that was acknowledged is there, nothing is
# half there, no uid is somebody else's, the feed tells what the list shows, and the
# chain of the audit log is whole. Every third time it is asked to end (SIGTERM) in the
# midst of that instead, and does so with 0. 10 kills; 100 with NIGHTLY=yes; SEED= repeats
# a run.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
ip link set lo up
box=$(mktemp -d "$BUILD/kill.XXXXXX") # a disk's file system: fsync must cost something
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
directory() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
token=$(directory token create --name kill --scope write)
start() {
  : >"$box/log" # what the last one said is no sign of this one
  "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
  server=$!
  until grep -q 'on port' "$box/log"; do
    kill -0 "$server" || { cat "$box/log" >&2; exit 1; }
    read -rt 0.02 <> <(:) || :
  done
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
}
client() { node "$SRC/tests/directory/kill.mjs" "$@"; }
kills=10
[ "${NIGHTLY:-no}" = no ] || kills=100
seed=${SEED:-$(($(date +%s) % 1000000))}
echo "seed $seed"
RANDOM=$seed
: >"$box/ledger"
start
client check "$port" "$token" "$box/ledger" >/dev/null # the receiver is known before the first write
for i in $(seq 1 "$kills"); do
  had=$(wc -l <"$box/ledger")
  client load "$port" "$token" "$box/ledger" "$seed$i" 2>"$box/load" &
  writers=$!
  # Some acknowledged writes first, then any moment.
  more=$((had + 40 + RANDOM % 400))
  until [ "$(wc -l <"$box/ledger")" -ge "$more" ]; do
    kill -0 "$writers" 2>/dev/null || { cat "$box/load" >&2; exit 1; }
    read -rt 0.00$((1 + RANDOM % 9)) <> <(:) || :
  done
  signal=KILL r=0
  [ $((i % 3)) != 0 ] || signal=TERM
  kill -$signal "$server"
  wait "$server" 2>/dev/null || r=$?
  [ $signal = KILL ] || [ $r = 0 ] || { echo "asked to end it exits $r" >&2; cat "$box/log" >&2; exit 1; }
  wait "$writers" || { cat "$box/load" >&2; exit 1; }
  start
  client check "$port" "$token" "$box/ledger" >"$box/said" || { echo "kill $i of seed $seed" >&2; exit 1; }
  directory audit --verify >"$box/audit" || { cat "$box/audit" >&2; exit 1; }
done
echo "$kills kills, $(grep -c '"done"' "$box/ledger") acknowledged requests; $(cat "$box/said")"
kill "$server"
wait "$server"
server=
