#!/usr/bin/env bash
# One resource of a page that is more than a resource may be is refused alone: a string
# too long, too many attributes, too many values, too deep, too heavy. The rest of the
# page is served; explain and the journal say why; who is disabled in it is disabled.
# What breaks a bound of the answer itself is refused whole (huge.sh).
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 300 5
all_of_it
fail() { echo "$*" >&2; cat "$NS_TMP/log" >&2; exit 1; }
sync() { scimd --once 2>"$NS_TMP/log" || fail "the sync failed"; }
sync
members=$(getent group group002 | cut -d: -f4)
[ -n "$members" ]

echo "# five people who are too much, and one of them disabled; the rest goes on"
admin /__churn '{"deactivate":1,"from":41}' >/dev/null
admin /__churn '{"add":1}' >/dev/null
admin /__fault '{"match":"Users","kind":"swell","how":{"3":"string","4":"keys","5":"deep","6":"items","41":"string"}}' >/dev/null
sync
getent passwd user00300 >/dev/null || fail "the newcomer of the page is missing"
getent passwd user00007 | grep -q ':\*:' || fail "a neighbour"
for n in 00003 00004 00005 00006; do
  if getent passwd "user$n" | grep -q ':\*:'; then fail "user$n may log in"; fi
done
getent passwd user00041 | grep -q '^user00041:!:' || fail "user00041 is not disabled: $(getent passwd user00041)"
grep -q '^scimd: .*5 records are not served' "$NS_TMP/log" || fail "it does not say how many are refused"
grep -q 'user "user00003": .*longer than' "$NS_TMP/log" || fail "no reason for user00003"
grep -q 'user "user00004": .*attributes' "$NS_TMP/log" || fail "no reason for user00004"
grep -q 'user "user00005": .*deep' "$NS_TMP/log" || fail "no reason for user00005"
grep -q 'user "user00006": .*million' "$NS_TMP/log" || fail "no reason for user00006"

echo "# a group that is too heavy: itself, none of the others"
admin /__fault '{"match":"Groups","kind":"swell","how":{"1":"weight"}}' >/dev/null
sync
for n in 00003 00004 00005 00006; do getent passwd "user$n" | grep -q ':\*:' || fail "user$n did not come back"; done
if getent group group001; then fail "group001 is served"; fi
[ "$(getent group group002 | cut -d: -f4)" = "$members" ] || fail "group002 has others"
grep -q 'group "group001": .*memory' "$NS_TMP/log" || fail "no reason for group001"

echo "# explain says so, and keeps saying so when nothing changes"
sync
scimd_start
r=0; scimctl explain group001 >"$NS_TMP/out" || r=$?
[ "$r" = 6 ] && grep -q 'memory' "$NS_TMP/out" || fail "explain: exit $r: $(cat "$NS_TMP/out")"
scimctl refusals | grep -q group001 || fail "refusals"
scimd_stop

echo "# members asked for group by group: one whose answer is too much is refused alone"
admin /__groups '{"bare":true}' >/dev/null
admin /__fault "{\"match\":\"Groups/bbbbbbbb-0000-4000-8000-000000000000\",\"kind\":\"stout\"}" >/dev/null
sync
if getent group group000; then fail "group000 is served"; fi
[ "$(getent group group002 | cut -d: -f4)" = "$members" ] || fail "group002 has others"
grep -q 'group "group000": .*longer than' "$NS_TMP/log" || fail "no reason for group000"
admin /__fault '{"match":"nothing","kind":"hang"}' >/dev/null
sync
getent group group000 >/dev/null || fail "group000 did not come back"
