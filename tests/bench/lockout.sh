#!/bin/bash
# SPDX-License-Identifier: MIT
#
# lockout.sh BUILD_DIR: from `active:false` acknowledged by scim-directory to "new
# logins are denied on the host" and to "the last process is gone", p95 of RUNS
# (20) at USERS (10,000) people, no grace time. Private namespaces; needs root.
set -eu -o pipefail
build=$(realpath "${1:?usage: lockout.sh BUILD_DIR}")
if [ "${2:-}" != inside ]; then
  exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0" "$build" inside
fi
cd "$(dirname "$0")/../.."
. tests/system/lib.sh
work=$(mktemp -d)
ns_prepare "$work" "$build"
ip link set lo up
users=${USERS:-10000} runs=${RUNS:-20} over=0
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
writer=$(directory token create --name admin --scope write)
{ echo userName; seq -f 'p%.0f@example.com' 1 "$users"; } >"$NS_TMP/people.csv"
directory import "$NS_TMP/people.csv" >/dev/null
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
url=http://127.0.0.1:$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")/scim/v2
printf '[scimd]\ninterval = 1h\n[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$url" >/etc/scimd/scimd.conf
scimd_start
connected() { [[ $(scimctl --json status) == *'"events":"connected'* ]]; }
tenacious 10 connected

send() { # METHOD PATH [BODY]
  curl -sf --noproxy '*' -X "$1" "$url$2" -H "Authorization: Bearer $writer" \
    -H 'Content-Type: application/scim+json' ${3:+-d "$3"}
}
ms() { echo $((($(date +%s%N) - $1) / 1000000)); }
for i in $(seq "$runs"); do
  name=p$((i * 7))
  id=$(send GET "/Users?filter=userName%20eq%20%22$name@example.com%22&attributes=id" | grep -o '"id":"[^"]*"' | cut -d'"' -f4)
  uid=$(id -u "$name")
  for _ in 1 2 3 4 5; do setpriv --reuid "$uid" --clear-groups sleep 1000 >/dev/null 2>&1 & done
  until [ "$(pgrep -c -u "$uid" sleep)" = 5 ]; do :; done
  send PATCH "/Users/$id" '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}' >/dev/null
  from=$(date +%s%N)
  # What getent says is what every way in is told; and what the kernel says of the uid.
  while [[ $(getent passwd "$name") != *':!:'* ]]; do [ "$(ms "$from")" -lt 60000 ]; done
  ms "$from" >>"$NS_TMP/denied"
  while pgrep -u "$uid" >/dev/null; do [ "$(ms "$from")" -lt 60000 ]; done
  ms "$from" >>"$NS_TMP/gone"
done 2>/dev/null

row() { # WHAT FILE LIMIT
  local v verdict=ok
  v=$(sort -n "$2" | awk '{ v[NR] = $1 } END { i = int(NR * 0.95 + 0.999); print v[i] }')
  [ "$v" -le "$3" ] || { verdict=over; over=1; }
  printf '%-52s %8s  limit %6s %-9s %s\n' "$1" "$v" "$3" ms "$verdict"
}
row "active:false to logins denied, p95 of $runs, $users users" "$NS_TMP/denied" 1000
row "active:false to last process gone, p95 of $runs" "$NS_TMP/gone" 3000
exit $over
