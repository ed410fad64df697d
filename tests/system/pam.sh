#!/usr/bin/env bash
# Real sshd, su, sudo, login, cron and at on the stack that Debian's pam-auth-update
# makes of our profile: an active person gets in by every door, one who was disabled
# by none, whatever state the host is in; root and local accounts notice nothing.
set -euo pipefail
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
cd "$SRC"
. tests/system/lib.sh
. tests/system/doors.sh
work=$(mktemp -d)
ns_prepare "$work" "$BUILD"
doors_prepare "$BUILD"
doors_directory ann ben cem
directory user add dan@example.com --key "$NS_TMP/id.pub" # in no group
scimd_start
doors_sshd ann ben cem dan
uid=$(id -u ann)

echo "# every door opens for ann, who is active, and her home is made"
for d in $DOORS; do door "$d" ann; done
[ "$(stat -c %U:%a /home/ann | cut -c1-4)" = ann: ]
[ -e /home/ann/.profile ]
scimctl audit --user ann | grep -q 'first session'
[ "$(scimctl --json audit --user ann | grep -o '"first session"' | wc -l)" = 1 ]

echo "# no door for dan, whom the policy leaves out"
for d in ssh certificate directory_key su sudo cron; do no_door "$d" dan; done
no_door ssh dan 'You may not log in on this host. Ask your administrator.'

echo "# the directory is asked: who was disabled a moment ago stays out, before any sync"
directory user disable ann@example.com
no_door ssh ann 'Your account is disabled. Ask your administrator. (scimd: the directory)'
scimctl sync --full --wait >/dev/null

echo "# then no door opens for her"
for d in $DOORS; do no_door "$d" ann; done
no_door ssh ann 'Your account is disabled. Ask your administrator. (scimd: rule 4)'
no_door su ann 'Your account is disabled.'
[ "$(id -u ann)" = "$uid" ]
door ssh ben

echo "# who was deleted stays out too"
directory user delete cem@example.com
scimctl sync --full --wait >/dev/null
for d in ssh certificate directory_key without_pam su sudo; do no_door "$d" cem; done

echo "# enabled again: in again, with the same number"
directory user enable ann@example.com
scimctl sync --full --wait >/dev/null
for d in ssh directory_key su sudo cron; do door "$d" ann; done
[ "$(id -u ann)" = "$uid" ]
directory user disable ann@example.com
scimctl sync --full --wait >/dev/null

# pam PHASE SERVICE WHO: the module's answer, nothing else.
pam() { pamtester "$2" "$3" "$1" 2>&1; }
refused() { ! pam "$@" >"$NS_TMP/out"; }
# The shortest of five visits in microseconds: what the machine adds is left out.
shortest() { # SERVICE WHO
  local best=999999999 began took i
  for i in 1 2 3 4 5; do
    began=${EPOCHREALTIME/./}
    pamtester "$1" "$2" acct_mgmt >/dev/null 2>&1 || return 1
    took=$((${EPOCHREALTIME/./} - began))
    [ "$took" -ge "$best" ] || best=$took
  done
  echo "$best"
}
# A local account comes in with at most 50 ms more than on a stack without us.
unhurt() { # WHO
  local with without
  with=$(shortest sshd-alone "$1") || { echo "$1 is denied" >&2; return 1; }
  without=$(shortest without "$1")
  [ $((with - without)) -le 50000 ] || { echo "$1: $with instead of $without us" >&2; return 1; }
}
useradd -M -s /bin/sh locally
echo 'account required pam_permit.so' >/etc/pam.d/without
# A stack of its own, which shows what the module's answer does alone: IGNORE passes.
printf 'account [success=ok ignore=ignore default=bad] pam_scim.so\naccount required pam_permit.so\n' >/etc/pam.d/sshd-alone
# Root, a local account, a leaver, and (in $1: in or out) a person in every broken state.
state() { # WHAT in|out
  echo "# $1"
  unhurt root
  unhurt locally
  pam acct_mgmt sshd root >/dev/null
  pam acct_mgmt su locally >/dev/null
  refused acct_mgmt sshd ann
  refused acct_mgmt su ann
  refused acct_mgmt cron ann
  refused acct_mgmt sshd cem
  if [ "$2" = in ]; then pam acct_mgmt sshd ben >/dev/null; else refused acct_mgmt sshd ben; fi
}
image=/var/lib/scimd/accounts.image
state "the daemon runs" in
kill -STOP "$SCIMD_PID"
state "the daemon hangs" in
kill -CONT "$SCIMD_PID"
scim_stop
state "the directory is down" in
scimd_stop
state "the daemon is dead" in
cp -p $image "$NS_TMP/image"
again() { rm -rf $image; cp -p "$NS_TMP/image" $image; }
rm $image; state "no image" out; again
: >$image; state "an empty image" out; again
head -c 5000 "$NS_TMP/image" >$image; state "half an image" out; again
head -c 20000 /dev/urandom >$image; state "garbage" out; again
truncate -s 0 $image; truncate -s 65536 $image; state "zeros" out; again
chmod 666 $image; state "everybody may write the image" out; again
chown 1234 $image; state "a stranger's image" out; again
rm $image; ln -s "$NS_TMP/image" $image; state "a link" out; again
rm $image; mkdir $image; state "a folder" out; again
chmod 0 /var/lib/scimd; state "a folder that only root may enter" in; chmod 755 /var/lib/scimd
mount -t tmpfs -o size=4k tmpfs /var/lib/scimd; mkdir /var/lib/scimd/private; state "a full disk, nothing on it" out; umount /var/lib/scimd
(ulimit -v 60000; state "little memory" in)
echo 'account required pam_scim.so live=never' >/etc/pam.d/scim-wrong
pam acct_mgmt scim-wrong ben >"$NS_TMP/out" && exit 1
refused acct_mgmt scim-wrong ann

echo "# keys, with the daemon dead"
[ "$(scim-authorized-keys ben)" = "$(cut -d' ' -f1,2 "$NS_TMP/id.pub")" ]
for who in ann cem dan locally root nobody-here; do
  out=$(scim-authorized-keys "$who")
  [ -z "$out" ] || { echo "keys of $who: $out" >&2; exit 1; }
done
for junk in '' '-h' '../ben' 'ben ann' 'BEN' 'ben:' "$(printf 'ben\nann')" "$(printf 'a%.0s' {1..300})"; do
  r=0; out=$(scim-authorized-keys "$junk" 2>/dev/null) || r=$?
  [ "$r" = 2 ] && [ -z "$out" ] || { echo "\"$junk\": exit $r, $out" >&2; exit 1; }
done
r=0; scim-authorized-keys ben ann 2>/dev/null || r=$?; [ "$r" = 2 ]
r=0; scim-authorized-keys 2>/dev/null || r=$?; [ "$r" = 2 ]
r=0; scim-authorized-keys ben >/dev/full 2>/dev/null || r=$?; [ "$r" = 1 ]
rm $image
r=0; out=$(scim-authorized-keys ben 2>/dev/null) || r=$?; [ "$r" = 1 ] && [ -z "$out" ]
again
[ "$(/usr/sbin/sshd -T -f "$NS_TMP/sshd.22024" | grep -i '^authorizedkeyscommand ')" = 'authorizedkeyscommand /usr/sbin/scim-authorized-keys %u' ]

echo "# no memory: whichever allocation of the whole program fails, no leaver gets in"
gcc -O1 -shared -fPIC -o /run/doors/torture.so tests/system/torture.c
LD_PRELOAD=/run/doors/torture.so TORTURE_COUNT=/run/doors/count pamtester sshd-alone ann acct_mgmt >/dev/null 2>&1 && exit 1
read -r count _ </run/doors/count
step=7
[ "${NIGHTLY:-no}" = yes ] && step=1
for ((i = 1 + RANDOM % step; i <= count; i += step)); do
  if LD_PRELOAD=/run/doors/torture.so TORTURE_ALLOC=$i pamtester sshd-alone ann acct_mgmt >/dev/null 2>&1; then
    echo "allocation $i of $count fails, and ann is let in" >&2
    exit 1
  fi
done
