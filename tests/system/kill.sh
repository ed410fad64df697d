#!/usr/bin/env bash
# scimd is killed at, and then given an error by, the system calls that a sync
# changes the disk with: what is served is the old state or the new one, whole,
# and the next run brings the new one with everybody's number as it was. In the
# short ring every few calls, in the nightly one each of them.
set -euo pipefail
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
cd "$SRC"
. tests/system/lib.sh
work=$(mktemp -d)
ns_prepare "$work" "$BUILD"
scim_start tests/realscim --users 60 --groups 3
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
step=9
[ "${NIGHTLY:-no}" = no ] || step=1

run() { # run STATE COMMAND…
  printf '[scimd]\nstate_dir = %s\n[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$1" "$SCIM_URL" >"$NS_TMP/scimd.conf"
  shift
  "$@" scimd --config "$NS_TMP/scimd.conf" --once >"$NS_TMP/log" 2>&1
}
served() { scimctl --state-dir "$1" --json list users; scimctl --state-dir "$1" --json list groups; }
numbers() { scimctl --state-dir "$1" --json list users | grep -o '"name":"user[^,]*,"uid":[0-9]*' | sort || :; }

mkdir "$NS_TMP/old"
run "$NS_TMP/old"
admin /__churn '{"deactivate":1,"from":3}' >/dev/null
admin /__churn '{"add":2,"remove":1}' >/dev/null
cp -a "$NS_TMP/old" "$NS_TMP/new"
run "$NS_TMP/new"
served "$NS_TMP/old" >"$NS_TMP/old.json"
served "$NS_TMP/new" >"$NS_TMP/new.json"
if cmp -s "$NS_TMP/old.json" "$NS_TMP/new.json"; then echo "nothing changed" >&2; exit 1; fi

tried=0 bad=0
# after WHAT: the state that stands, and the run that follows
after() {
  tried=$((tried + 1))
  served "$NS_TMP/cell" >"$NS_TMP/cell.json" 2>&1 || :
  if ! cmp -s "$NS_TMP/cell.json" "$NS_TMP/old.json" && ! cmp -s "$NS_TMP/cell.json" "$NS_TMP/new.json"; then
    echo "$1: neither the old nor the new state is served" >&2
    bad=$((bad + 1))
  elif ! run "$NS_TMP/cell" || ! served "$NS_TMP/cell" | cmp -s - "$NS_TMP/new.json"; then
    echo "$1: the next run does not bring the new state" >&2
    cat "$NS_TMP/log" >&2
    bad=$((bad + 1))
  fi
}
# sweep CALL INJECTION: at every `step`th of its calls, until one run has no more.
sweep() {
  local n=1 r
  while [ "$n" -lt 2000 ]; do
    rm -rf "$NS_TMP/cell"
    cp -a "$NS_TMP/old" "$NS_TMP/cell"
    r=0
    run "$NS_TMP/cell" strace -f -qq -o "$NS_TMP/strace" -e "trace=$1" -e "inject=$1:$2:when=$n" || r=$?
    grep -qE 'INJECTED|killed by SIGKILL' "$NS_TMP/strace" || break
    after "$1 $2 number $n (exit $r)"
    n=$((n + step))
  done
}
for call in openat write pwrite64 pwritev fdatasync fsync ftruncate rename link unlink fchmod fallocate msync mmap; do
  sweep "$call" signal=SIGKILL
done
for call in write pwrite64 pwritev fallocate; do sweep "$call" error=ENOSPC; done
for call in pwrite64 pwritev fdatasync fsync ftruncate rename link fchmod msync; do sweep "$call" error=EIO; done
[ -z "$(numbers "$NS_TMP/new" | cut -d: -f3 | sort | uniq -d)" ]
echo "$tried cells, $bad bad"
[ "$bad" = 0 ] && [ "$tried" -gt 40 ]
