#!/usr/bin/env bash
# authselect itself, in a root of trixie (bookworm has none), takes our profile and makes
# the stacks of it that system/pam-authselect.sh tries; each feature does what the
# profile's README says, and opting out leaves nothing of it.
#   HOSTS_CACHE=DIR   keep the root there for the next time
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
cd "$SRC"
if [ -z "${INSIDE:-}" ]; then
  packaging/install-deps --hosts >/dev/null
  INSIDE=1 exec unshare --mount --pid --fork --mount-proc --kill-child --propagation private "$0"
fi
cache=${HOSTS_CACHE:-$BUILD/hosts}
work=$(mktemp -d)
trap 'umount "$work/root" 2>/dev/null || :; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
mkdir -p "$cache" "$work/root"
if [ ! -s "$cache/authselect.tar" ]; then
  mmdebstrap --quiet --format=tar --variant=minbase --include=authselect,libpam-modules trixie "$cache/authselect.tar.new" "$(packaging/mirror)" >"$work/log" 2>&1 ||
    { tail -5 "$work/log" >&2; fail "no root of trixie"; }
  mv "$cache/authselect.tar.new" "$cache/authselect.tar"
fi
mount -t tmpfs -o mode=755 tmpfs "$work/root"
tar -C "$work/root" -xf "$cache/authselect.tar"
cp -r packaging/authselect/scim "$work/root/usr/share/authselect/vendor/"
mkdir -p "$work/root/etc/authselect/custom" "$work/root/etc/dconf/db/distro.d/locks"
authselect() { chroot "$work/root" authselect "$@"; }
made() { chroot "$work/root" cat "/etc/authselect/$1" | grep -vE '^ *(#|$)' | sed 's/ *$//'; }
. tests/system/doors.sh

authselect list | grep -q 'scim.*Enable SCIM directory users through scimd' || fail "it is not listed: $(authselect list)"
authselect select scim --force >/dev/null
authselect check >/dev/null || fail "what it made is not valid"
for f in system-auth password-auth; do
  diff <(made $f) <(authselect_stack $f | grep .) || fail "$f is not what the tests take it for"
done
[ "$(made nsswitch.conf | grep ^passwd: | tr -s ' ')" = 'passwd: files scim systemd' ] || fail "nsswitch.conf"
[ "$(readlink "$work/root/etc/nsswitch.conf")" = /etc/authselect/nsswitch.conf ] || fail "nsswitch.conf is not authselect's"

feature() { # NAME FILE PATTERN yes|no: whether there is such a line with the feature; the other way round without
  local with=0 without=0
  authselect enable-feature "$1" >/dev/null
  made "$2" | grep -q "$3" || with=1
  authselect disable-feature "$1" >/dev/null
  made "$2" | grep -q "$3" || without=1
  [ "$with$without" = "$([ "$4" = yes ] && echo 01 || echo 10)" ] || fail "$1 in $2"
}
for f in system-auth password-auth; do
  feature with-mkhomedir $f pam_oddjob_mkhomedir.so yes
  feature with-faillock $f pam_faillock.so yes
  feature without-nullok $f nullok no
  feature without-scim-access $f pam_scim.so no
done
feature without-scim-nss nsswitch.conf '^passwd:.* scim' no
authselect requirements scim with-mkhomedir | grep -q oddjobd || fail "nothing is said of oddjobd"
authselect opt-out >/dev/null
[ ! -L "$work/root/etc/nsswitch.conf" ] || fail "nsswitch.conf is authselect's after opting out"
echo "authselect $(chroot "$work/root" dpkg-query -W -f '${Version}' authselect) makes what the tests try"
