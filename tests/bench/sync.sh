#!/bin/bash
# SPDX-License-Identifier: MIT
#
# sync.sh BUILD_DIR: what a full sync of 100,000 users and 1,000 groups costs,
# beside json_tokener_parse over the same bytes in the same run. Private mount,
# pid and network namespaces; needs root and node.
set -eu -o pipefail
build=$(realpath "${1:?usage: sync.sh BUILD_DIR}")
if [ "${2:-}" != inside ]; then
  exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0" "$build" inside
fi
cd "$(dirname "$0")/../.."
ip link set lo up
disk=$(mktemp -d "$build/bench-sync.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$disk"' EXIT
mount -t tmpfs -o mode=755 tmpfs /run
over=0
row() {
  local verdict
  verdict=$(awk -v v="$2" -v l="$3" 'BEGIN { print (v <= l) ? "ok" : "over" }')
  [ "$verdict" = ok ] || over=1
  printf '%-52s %8s  limit %6s %-9s %s\n' "$1" "$2" "$3" "$4" "$verdict"
}
wait_for() { until "$@" >/dev/null 2>&1; do read -rt 0.02 <> <(:) || :; done; }

node tests/bench/serve.mjs "${USERS:-100000}" "${GROUPS_N:-1000}" "$disk/pages" >"$disk/log" &
server=$!
wait_for grep -q READY "$disk/log"
(umask 077; echo secret >"$disk/token")
mkdir -m 755 "$disk/state" /run/scimd
cat >"$disk/scimd.conf" <<EOF
[scimd]
state_dir = $disk/state
[directory/corp]
url = http://127.0.0.1:$(sed -n 's/READY //p' "$disk/log")/scim/v2
token_file = $disk/token
page_size = 1000
timeout = 120s
[access]
allow = all
EOF
scimd=$build/root/usr/sbin/scimd ctl=$build/root/usr/bin/scimctl

# once LOG: CPU seconds of one --once run, and its largest RssAnon in MiB.
once() {
  local pid job peak=0 now
  { TIMEFORMAT='%U %S'; time "$scimd" --config "$disk/scimd.conf" --once 2>"$1"; } 2>"$disk/time" &
  job=$!
  wait_for pgrep -x scimd
  pid=$(pgrep -x scimd)
  while now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
    [ "$now" -le "$peak" ] || peak=$now
    read -rt 0.01 <> <(:) || :
  done
  wait "$job" || { cat "$1" >&2; exit 1; }
  awk -v p="$peak" '{ printf "%.3f %.0f", $1 + $2, p / 1024 }' "$disk/time"
}
store() { stat -c '%Y.%y %s' "$disk/state/private/data.mdb"; }
image() { stat -c '%i' "$disk/state/accounts.image"; }

plain=$(for i in 1 2 3; do "$build/tests/bench/parse" "$disk/pages"; done | sort -n | head -n 1)
mib=$(awk -v b="${plain#* }" 'BEGIN { printf "%.0f", b / 1048576 }')
# Of three runs the least time, as of what it is compared with, and the most memory.
extremes() { awk 'NR == 1 || $1 < t { t = $1 } $2 > m { m = $2 } END { print t, m }'; }
first=$(for i in 1 2 3; do rm -rf "$disk"/state/*; once "$disk/first"; echo; done | extremes)
before=$(store) inode=$(image)
again=$(for i in 1 2 3; do once "$disk/again"; echo; done | extremes)
plain=${plain% *}
row "first sync, $mib MiB (${first% *}/$plain s of CPU)" "$(awk -v a="${first% *}" -v b="$plain" 'BEGIN { printf "%.2f", a / b }')" 3.5 "x parse"
row "first sync, peak of anonymous memory" "${first#* }" 256 MiB
row "unchanged (${again% *}/$plain s of CPU)" "$(awk -v a="${again% *}" -v b="$plain" 'BEGIN { printf "%.2f", a / b }')" 2.5 "x parse"
row "unchanged, peak of anonymous memory" "${again#* }" 256 MiB
row "unchanged: commits" "$([ "$before" = "$(store)" ] && echo 0 || echo 1)" 0 commits
row "unchanged: new images" "$([ "$inode" = "$(image)" ] && echo 0 || echo 1)" 0 images

# Live checks while the daemon's first sync is under way.
"$scimd" --config "$disk/scimd.conf" 2>"$disk/daemon" &
daemon=$!
wait_for "$ctl" --state-dir "$disk/state" --json status
for i in $(seq 1 20); do
  start=$(date +%s%N)
  "$ctl" --json check "person$((i * 17))" >"$disk/check" || cat "$disk/check" >&2
  echo $((($(date +%s%N) - start) / 1000000))
done >"$disk/checks"
busy=$("$ctl" --state-dir "$disk/state" --json status | grep -c '"syncing":true' || :)
kill "$daemon"
wait "$daemon" || :
row "live check during a sync, p95 of 20 (still syncing: $busy)" "$(sort -n "$disk/checks" | sed -n 19p)" 300 ms
exit $over
