#!/usr/bin/env bash
# Answers that no directory should give: a hundred megabytes, a hundred thousand
# brackets, a gigabyte in a megabyte of gzip, four million attributes. Each is refused
# with two seconds of work, takes no more than 64 MiB, and what was served stays.
# (One resource that is too much for itself: oversized.sh.)
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 500 5
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
printf '[directory/corp]\nurl = %s\ntoken = corp\ntimeout = 20s\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
served() { scimctl --json list users; scimctl --json list groups; }

# once: exit code in $r, peak of RssAnon in KiB in $peak, milliseconds in $took, those of
# work (other work of the machine does not count) in $work_ms
once() {
  local job now start stat
  start=$(date +%s%N)
  work_ms=0
  scimd --once 2>"$NS_TMP/log" &
  job=$!
  peak=0
  while now=$(awk '/^RssAnon/ { print $2 }' "/proc/$job/status" 2>/dev/null) && [ -n "$now" ]; do
    [ "$now" -le "$peak" ] || peak=$now
    read -ra stat 2>/dev/null <"/proc/$job/stat" && work_ms=$(((stat[13] + stat[14]) * 10)) || :
    read -rt 0.005 <> <(:) || :
  done
  r=0
  wait "$job" || r=$?
  took=$((($(date +%s%N) - start) / 1000000))
}
once
[ "$r" = 0 ] || { cat "$NS_TMP/log" >&2; exit 1; }
base=$peak
served >"$NS_TMP/before"
bad=0
# refused NAME MIB FAULT
refused() {
  admin /__fault "{$3}" >/dev/null
  once
  served >"$NS_TMP/after"
  echo "$1: exit $r, $took ms, $work_ms of work, $((peak / 1024)) MiB (ordinary: $((base / 1024)) MiB): $(sed -n 's/.*error: sync failed: //p' "$NS_TMP/log")"
  if [ "$r" != 1 ] || [ "$work_ms" -gt 2000 ] || [ "$took" -gt 60000 ] || [ $((peak - base)) -gt $(($2 * 1024)) ] || ! cmp -s "$NS_TMP/before" "$NS_TMP/after"; then
    echo "$1: not as it should be" >&2
    bad=1
  fi
}
for where in Users Groups; do
  refused "$where, 100 MB in one string" 64 "\"match\":\"$where\",\"kind\":\"body\",\"bytes\":100000000"
  refused "$where, depth of 100,000" 64 "\"match\":\"$where\",\"kind\":\"deep\",\"depth\":100000"
  refused "$where, a bomb of 1 GB" 64 "\"match\":\"$where\",\"kind\":\"bomb\",\"bytes\":1073741824"
  refused "$where, 4,000,000 attributes" 64 "\"match\":\"$where\",\"kind\":\"keys\",\"keys\":4000000"
done
exit $bad
