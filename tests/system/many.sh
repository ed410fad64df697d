#!/usr/bin/env bash
# Much of everything: a group of 60,000 is explained as any other, a long audit log is
# answered with its newest entries and says so, and one person's are found in all of it.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 60000 1
all_of_it
fail() { echo "$*" >&2; tail -n 3 "$NS_TMP/scimd.log" >&2; exit 1; }
scimd_start
members=$(getent group group000 | tr ',' '\n' | wc -l)
[ "$members" -gt 50000 ] || fail "$members members"
scimctl explain group000 >"$NS_TMP/out" || fail "explain: exit $?: $(cat "$NS_TMP/out")"
scimctl explain user00001 >"$NS_TMP/out"
grep -qw group000 "$NS_TMP/out" || fail "the group of a person: $(cat "$NS_TMP/out")"
admin /__churn '{"deactivate":7500,"from":0}' >/dev/null
scimctl sync --wait >/dev/null
scimctl --no-legend audit >"$NS_TMP/out" 2>"$NS_TMP/err" || fail "audit: exit $?: $(cat "$NS_TMP/err")"
[ "$(wc -l <"$NS_TMP/out")" = 20000 ] || fail "$(wc -l <"$NS_TMP/out") entries"
grep -q 'the last 20000 entries' "$NS_TMP/err" || fail "it does not say that there are more: $(cat "$NS_TMP/err")"
[ "$(awk '{ print $1 }' "$NS_TMP/out" | sort -nc 2>&1)" = '' ] || fail "not in order"
oldest=$(awk 'NR == 1 { print $1 }' "$NS_TMP/out")
found=no
for i in $(seq 10 18); do
  first=$(scimctl --no-legend audit --user "user000$i" | head -n 1)
  [[ $first == *disabled* ]] || fail "user000$i: $first"
  [ "$(awk '{ print $1 }' <<<"$first")" -ge "$oldest" ] || found=yes
done
[ $found = yes ] || fail "the test has no older entries"
scimctl audit --verify 2>/dev/null | tail -n 1 | grep -qx 'the chain is whole'
# A large store with all its kinds of pages is found whole at the next start.
scimd_stop
scimd_start
if grep -E 'moved aside|damaged' "$NS_TMP/scimd.log"; then fail "a whole store was taken for a damaged one"; fi
