#!/usr/bin/env bash
# scimd is killed at, and then given an error by, the calls that a sync lives on:
# the disk says that it is full or broken, the kernel that there is no memory, no
# descriptor, a signal; an allocation gives nothing, whoever asked, scimd (which gives
# the sync up) or a library (then it ends); a write does half of its work.
# What is served is the old state or the new one, whole; scimd succeeds only where
# the new one stands; and the next run brings it with everybody's number as it was.
# In the short ring a sample of the calls, in the nightly one each of them.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 60 3
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
nightly=${NIGHTLY:-no}
cc -shared -fPIC -O1 -o "$NS_TMP/torture.so" tests/system/torture.c

run() { # run STATE COMMAND…
  printf '[scimd]\nstate_dir = %s\n[directory/corp]\nurl = %s\ntoken = corp\ntimeout = 2s\n[access]\nallow = all\n' "$1" "$SCIM_URL" >"$NS_TMP/scimd.conf"
  shift
  (timeout 20 "$@" scimd --config "$NS_TMP/scimd.conf" --once; exit $?) >"$NS_TMP/log" 2>&1
}
served() { scimctl --state-dir "$1" --json list users; scimctl --state-dir "$1" --json list groups; }
numbers() { scimctl --state-dir "$1" --json list users | grep -o '"name":"user[^,]*,"uid":[0-9]*' | sort || :; }

mkdir "$NS_TMP/old"
run "$NS_TMP/old"
admin /__churn '{"deactivate":1,"from":3}' >/dev/null
admin /__churn '{"add":2,"remove":1}' >/dev/null
cp -a "$NS_TMP/old" "$NS_TMP/new"
run "$NS_TMP/new"
# Users who are disabled are so even where the rest of the walk fails.
cp -a "$NS_TMP/old" "$NS_TMP/cut"
admin /__fault '{"match":"/Groups","kind":"deep","depth":100}' >/dev/null
if run "$NS_TMP/cut"; then exit 1; fi
admin /__fault '{"match":"nothing","kind":"deep","depth":1}' >/dev/null
served "$NS_TMP/cut" >"$NS_TMP/cut.json"
served "$NS_TMP/old" >"$NS_TMP/old.json"
served "$NS_TMP/new" >"$NS_TMP/new.json"
if cmp -s "$NS_TMP/old.json" "$NS_TMP/new.json"; then echo "nothing changed" >&2; exit 1; fi

# loads CALL: how many of them the loader makes, whose troubles are not ours
loads() {
  strace -f -qq -o "$NS_TMP/strace" -e "trace=$1" scimd --version >/dev/null
  grep -c "$1(" "$NS_TMP/strace" || :
}
tried=0 bad=0
complain() { echo "$*" >&2; cat "$NS_TMP/log.was" "$NS_TMP/log" 2>/dev/null | sed 's/^/    /' >&2; bad=$((bad + 1)); }
fresh() { rm -rf "$NS_TMP/cell"; cp -a "$NS_TMP/old" "$NS_TMP/cell"; }
# after WHAT EXIT: the state that stands, and the run that follows
after() {
  tried=$((tried + 1))
  cp "$NS_TMP/log" "$NS_TMP/log.was"
  : >"$NS_TMP/log"
  served "$NS_TMP/cell" >"$NS_TMP/cell.json" 2>&1 || :
  if ! cmp -s "$NS_TMP/cell.json" "$NS_TMP/new.json"; then
    if ! cmp -s "$NS_TMP/cell.json" "$NS_TMP/old.json" && ! cmp -s "$NS_TMP/cell.json" "$NS_TMP/cut.json"; then
      complain "$1 (exit $2): neither the old nor the new state is served"
    elif [ "$2" = 0 ]; then
      complain "$1: success, but the old state is served"
    fi
  fi
  case $2 in
    0 | 1 | 137) ;;
    *) complain "$1: exit $2" ;;
  esac
  run "$NS_TMP/cell" && served "$NS_TMP/cell" | cmp -s - "$NS_TMP/new.json" ||
    complain "$1 (exit $2): the next run does not bring the new state"
}
# sweep STEP CALL INJECTION [OPTION…]: every STEPth of its calls, until one run has no more.
sweep() {
  local n=1 step=$1 r
  [ "$3" = signal=SIGKILL ] || [ $# -gt 3 ] || n=$(($(loads "$2") + 1))
  [ "$nightly" = no ] || step=1
  while [ "$n" -lt 2000 ]; do
    fresh
    r=0
    run "$NS_TMP/cell" strace -f -qq -o "$NS_TMP/strace" -e "trace=$2" -e "inject=$2:$3:when=$n" "${@:4}" || r=$?
    grep -qE 'INJECTED|killed by SIGKILL' "$NS_TMP/strace" || break
    after "$2 $3 number $n" "$r"
    n=$((n + step))
  done
}
# torture WHICH COUNT STEP: each STEPth allocation or write of a run
torture() {
  local n=1 r
  while [ "$n" -le "$2" ]; do
    fresh
    r=0
    run "$NS_TMP/cell" env "LD_PRELOAD=$NS_TMP/torture.so" "TORTURE_$1=$n" || r=$?
    [ "$r" = 0 ] || [ -s "$NS_TMP/log" ] || complain "$1 number $n of $2: exit $r without a word"
    after "$1 number $n of $2" "$r"
    n=$((n + $3))
  done
}

for call in openat write pwrite64 writev fdatasync fsync ftruncate rename link unlink fchmod fallocate msync mmap; do
  sweep 9 $call signal=SIGKILL
done
for error in ENOSPC EDQUOT; do
  for call in pwrite64 writev fallocate; do sweep 19 $call error=$error; done
  sweep 1 write error=$error -P "$NS_TMP/cell/accounts.image.tmp"
done
for call in pwrite64 writev fdatasync fsync ftruncate rename link fchmod msync; do sweep 9 $call error=EIO; done
for call in openat read write pwrite64 fdatasync fsync fallocate ftruncate epoll_wait sendto recvfrom connect flock; do
  sweep 37 $call error=EINTR
done
for call in mmap mprotect; do sweep 71 $call error=ENOMEM; done
for call in openat socket epoll_create1 signalfd4 timerfd_create eventfd2; do sweep 37 $call error=EMFILE; done

fresh
run "$NS_TMP/cell" env "LD_PRELOAD=$NS_TMP/torture.so" "TORTURE_COUNT=$NS_TMP/count"
read -r allocs writes <"$NS_TMP/count"
step=$((allocs / 90)) cut=2
[ "$nightly" = no ] || step=1 cut=1
torture WRITE "$writes" $cut
torture ALLOC "$allocs" $step
[ -z "$(numbers "$NS_TMP/new" | cut -d: -f3 | sort | uniq -d)" ]
echo "$tried cells ($allocs allocations, $writes writes in a run), $bad bad"
[ "$bad" = 0 ] && [ "$tried" -gt 150 ]
