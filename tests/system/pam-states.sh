#!/usr/bin/env bash
# Whatever state the host is in, no leaver gets in, and root and local accounts are
# not kept out: on Debian's stack, on one as authselect makes it, and alone. The keys
# for sshd likewise; and no allocation that fails opens a door.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
. tests/system/doors.sh
ns_begin "$0"
doors_prepare "$BUILD"
doors_directory ann ben cem
mkdir /run/doors
scimd_start
directory user disable ann@example.com
directory user delete cem@example.com
scimctl sync --full --wait >/dev/null

# pam PHASE SERVICE WHO: the module's answer, nothing else.
pam() { pamtester "$2" "$3" "$1" 2>&1; }
refused() { ! pam "$@" >"$NS_TMP/out"; }
useradd -M -s /bin/sh locally
# A stack of its own, which shows what the module's answer does alone: IGNORE passes.
printf 'account [success=ok ignore=ignore default=bad] pam_scim.so\naccount required pam_permit.so\n' >/etc/pam.d/sshd-alone
# Root, a local account, a leaver, and (in $1: in or out) a person in every broken state.
state() { # WHAT in|out
  echo "# $1"
  pam acct_mgmt sshd-alone root >/dev/null
  pam acct_mgmt sshd-alone locally >/dev/null
  pam acct_mgmt sshd root >/dev/null
  pam acct_mgmt su locally >/dev/null
  refused acct_mgmt sshd ann
  refused acct_mgmt su ann
  refused acct_mgmt cron ann
  refused acct_mgmt sshd cem
  refused acct_mgmt authselect ann
  refused acct_mgmt authselect cem
  pam acct_mgmt authselect root >/dev/null
  if [ "$2" = in ]; then
    pam acct_mgmt sshd ben >/dev/null
    pam acct_mgmt authselect ben >/dev/null
  else
    refused acct_mgmt sshd ben
    refused acct_mgmt authselect ben
  fi
}
# As authselect makes it of our profile, no feature chosen.
sed -n '/include if/d; s/ *{[^}]*}//g; /^account/p' packaging/authselect/scim/system-auth >/etc/pam.d/authselect
[ "$(wc -l </etc/pam.d/authselect)" = 5 ] && grep -q pam_scim.so /etc/pam.d/authselect
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
head -c -8 "$NS_TMP/image" >$image; state "an image cut short" out; again
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
