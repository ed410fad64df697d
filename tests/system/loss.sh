#!/usr/bin/env bash
# A mistake in the directory spoils the records of many who are served: nobody is
# absent, and nobody is lost. They are held as they were, status is red and says why;
# whoever is disabled in the same answer is disabled.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 200 3
all_of_it
fail() { echo "$*" >&2; scimctl status >&2 || :; tail -n 20 "$NS_TMP/scimd.log" >&2; exit 1; }
open() { getent passwd | grep -c '^user[0-9]*:\*:'; }
churn() { admin /__churn "$1" >/dev/null; }
scimd_start
all=$(open)
getent passwd >"$NS_TMP/before"

echo "# more than may be lost at once: held, red, and told why"
churn '{"spoil":11,"from":20}'
churn '{"deactivate":1,"from":50}'
churn '{"rename":"Another Name","from":60}'
if scimctl sync --wait >"$NS_TMP/out" 2>&1; then fail "nothing was held"; fi
[ "$(open)" = $((all - 1)) ] || fail "$(open) of $all may log in"
getent passwd user00050 | grep -q ':!:' || fail "user00050 is not disabled"
getent passwd user00060 | grep -q ':Another Name:' || fail "user00060 was held too"
scimctl status >"$NS_TMP/out" || :
grep -q '^red' "$NS_TMP/out" || fail "not red"
grep -q '11 records .* the first: .*no name: at all' "$NS_TMP/out" || fail "no reason"
scimctl sync --dry-run >"$NS_TMP/out" 2>&1 || :
grep -q "11 records" "$NS_TMP/out" || fail "the dry run: $(cat "$NS_TMP/out")"

echo "# also by the next answers, and after a restart"
if scimctl sync --wait >/dev/null 2>&1; then fail "nothing was held, the second time"; fi
scimd_stop
scimd_start
[ "$(open)" = $((all - 1)) ] || fail "$(open) of $all may log in after a restart"
[[ $(scimctl status) == red* ]] || fail "not red after a restart"

echo "# accepted: out; mended: in again, with the same numbers"
scimctl sync --wait --accept-removals >/dev/null
[ "$(open)" = $((all - 12)) ] || fail "accepted, and $(open) of $all may log in"
scimctl status | grep -q '^green' || fail "not green"
[ "$(scimctl --no-legend refusals | grep -c 'no name: at all')" = 11 ] || fail "refusals"
churn '{"mend":11,"from":20}'
churn '{"activate":1,"from":50}'
churn '{"rename":"Given 60 Family","from":60}'
scimctl sync --wait >/dev/null
getent passwd | cmp - "$NS_TMP/before" || fail "not as before"

echo "# few are refused one by one"
churn '{"spoil":10,"from":20}'
scimctl sync --wait >/dev/null
[ "$(open)" = $((all - 10)) ] || fail "$(open) of $all"
scimctl status | grep -q '^green' || fail "not green with ten"
