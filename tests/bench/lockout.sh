#!/bin/bash
# SPDX-License-Identifier: MIT
#
# lockout.sh BUILD_DIR: from `active:false` acknowledged by scim-directory to "new
# logins are denied on the host" and to "the last process is gone", p95 of RUNS
# (20) at USERS (10,000) people, no grace time. Then the same where the directory has no
# feed and no list ETags, by what any SCIM server offers: the live check, the looks, the
# complete lists. Private namespaces; needs root.
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
configure() { # INTERVAL FULL_INTERVAL LINES: scimd.conf
  printf '[scimd]\ninterval = %s\nfull_interval = %s\n[directory/corp]\nurl = %s\ntoken = corp\n%b[access]\nallow = all\n' \
    "$1" "$2" "$url" "$3" >/etc/scimd/scimd.conf
}
configure 1h 1h ''
scimd_start
connected() { [[ $(scimctl --json status) == *'"events":"connected'* ]]; }
tenacious 10 connected

send() { # METHOD PATH [BODY]
  curl -sf --noproxy '*' -X "$1" "$url$2" -H "Authorization: Bearer $writer" \
    -H 'Content-Type: application/scim+json' ${3:+-d "$3"}
}
ms() { echo $((($(date +%s%N) - $1) / 1000000)); }
id_of() { send GET "/Users?filter=userName%20eq%20%22$1@example.com%22&attributes=id" | grep -o '"id":"[^"]*"' | cut -d'"' -f4; }
disable() {
  send PATCH "/Users/$1" '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}' >/dev/null
}
busy() { # UID: five processes of theirs
  local _
  for _ in 1 2 3 4 5; do setpriv --reuid "$1" --clear-groups sleep 1000 >/dev/null 2>&1 & done
  until [ "$(pgrep -c -u "$1" sleep)" = 5 ]; do :; done
}
for i in $(seq "$runs"); do
  name=p$((i * 7))
  id=$(id_of $name)
  uid=$(id -u "$name")
  busy "$uid"
  disable "$id"
  from=$(date +%s%N)
  # What getent says is what every way in is told; and what the kernel says of the uid.
  while [[ $(getent passwd "$name") != *':!:'* ]]; do [ "$(ms "$from")" -lt 60000 ]; done
  ms "$from" >>"$NS_TMP/denied"
  while pgrep -u "$uid" >/dev/null; do [ "$(ms "$from")" -lt 60000 ]; done
  ms "$from" >>"$NS_TMP/gone"
done 2>/dev/null

# rhythm COMMAND FIRST FILE: COMMAND of RUNS people, from number FIRST on, every 300 ms;
# how long each one's processes go on.
rhythm() {
  local -A since=() uid=()
  local i n=0 name ids=() at
  for i in $(seq "$runs"); do
    name=p$(($2 + i * 7))
    ids+=("$(id_of $name)")
    uid[$((i - 1))]=$(id -u $name)
    busy "${uid[$((i - 1))]}"
  done
  at=$(date +%s%N)
  while [ "$n" -lt "$runs" ] || [ ${#since[@]} -gt 0 ]; do
    if [ "$n" -lt "$runs" ] && [ "$(ms "$at")" -ge $((n * 300)) ]; then
      "$1" "${ids[$n]}"
      since[$n]=$(date +%s%N)
      n=$((n + 1))
    fi
    for i in "${!since[@]}"; do
      [ "$(ms "${since[$i]}")" -lt 60000 ]
      pgrep -u "${uid[$i]}" >/dev/null && continue
      ms "${since[$i]}" >>"$3"
      unset "since[$i]"
    done
  done
}
remove() { send DELETE "/Users/$1" >/dev/null; }
plain='events = off\nquirks = janssen\n' # that product has no ETags
interval=5 full=10
scimd_stop
configure 1h 1h "$plain"
scimd_start
for i in $(seq "$runs"); do
  name=p$((1000 + i * 7))
  id=$(id_of $name)
  disable "$id"
  from=$(date +%s%N) r=0
  scimctl check "$name" >/dev/null || r=$?
  ms "$from" >>"$NS_TMP/asked"
  [ $r = 6 ] || { echo "a live check lets $name in: $r" >&2; exit 1; }
done
scimd_stop
configure ${interval}s 1h "$plain"
scimd_start
rhythm disable 2000 "$NS_TMP/looked" 2>/dev/null
scimd_stop
configure ${interval}s ${full}s "$plain"
scimd_start
rhythm remove 3000 "$NS_TMP/absent" 2>/dev/null

row() { # WHAT FILE LIMIT
  local v verdict=ok
  v=$(sort -n "$2" | awk '{ v[NR] = $1 } END { i = int(NR * 0.95 + 0.999); print v[i] }')
  [ "$v" -le "$3" ] || { verdict=over; over=1; }
  printf '%-52s %8s  limit %6s %-9s %s\n' "$1" "$v" "$3" ms "$verdict"
}
row "active:false to logins denied, p95 of $runs, $users users" "$NS_TMP/denied" 1000
row "active:false to last process gone, p95 of $runs" "$NS_TMP/gone" 3000
row "no feed: to the next login denied by the live check" "$NS_TMP/asked" 1000
row "no feed: disabled, to last process gone, interval ${interval} s" "$NS_TMP/looked" $((interval * 1000 + 3000))
row "no feed: deleted, to last process gone, full ${full} s" "$NS_TMP/absent" $((full * 1000 + 3000))
exit $over
