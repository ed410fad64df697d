#!/usr/bin/env bash
# The disk refuses the last write of a commit, on which LMDB gives its environment up:
# the sync fails and says so, the old state is served, and when the disk is well again
# the same scimd goes on, without a restart and without a lost number.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 60 3
all_of_it
cc -shared -fPIC -O1 -o "$NS_TMP/torture.so" tests/system/torture.c
served() { scimctl --json list users; scimctl --json list groups; }

LD_PRELOAD="$NS_TMP/torture.so" TORTURE_META="$NS_TMP/broken" scimd_start
served >"$NS_TMP/old"
numbers=$(getent passwd | cut -d: -f1,3 | sort)
admin /__churn '{"deactivate":2,"from":3}' >/dev/null
: >"$NS_TMP/broken"
for _ in 1 2 3; do
  r=0; scimctl sync --wait >"$NS_TMP/out" 2>&1 || r=$?
  [ "$r" = 1 ] || { echo "exit $r" >&2; cat "$NS_TMP/out" "$NS_TMP/scimd.log" >&2; exit 1; }
  served | cmp -s - "$NS_TMP/old"
done
grep -qi 'input/output error' "$NS_TMP/scimd.log"
rm "$NS_TMP/broken"
scimctl sync --wait >"$NS_TMP/out" 2>&1 || { cat "$NS_TMP/out" "$NS_TMP/scimd.log" >&2; exit 1; }
[ "$(getent passwd user00003 | cut -d: -f2,7)" = '!:/usr/sbin/nologin' ]
[ "$(getent passwd user00004 | cut -d: -f2,7)" = '!:/usr/sbin/nologin' ]
[ "$(getent passwd | cut -d: -f1,3 | sort)" = "$numbers" ]
kill -0 "$SCIMD_PID"
scimctl audit --verify >/dev/null
