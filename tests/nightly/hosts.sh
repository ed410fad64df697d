#!/usr/bin/env bash
# Debian hosts made from the packages alone: one on which README's five minutes are typed; a
# scim-directory with TLS and two hosts that take their people from it, each booted and in a
# network namespace of its own. Installed, set up with three lines, logged in to by SSH key;
# somebody is locked out who has left everything running that one can; upgrade, downgrade,
# restart, bad configuration, removal and purge, while people go on logging in and root
# always gets in.
#   tests/nightly/hosts.sh [SUITE…]     default: bookworm trixie
#   HOSTS_CACHE=DIR   keep packages and roots there for the next time
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
if [ -z "${INSIDE:-}" ]; then
  "$SRC/packaging/install-deps" --packages --hosts >/dev/null
  began=$SECONDS r=0
  for suite in "${@:-bookworm trixie}"; do
    for s in $suite; do
      INSIDE=1 unshare --mount --propagation private "$0" "$s" || { r=1; echo "FAILED on $s" >&2; }
    done
  done
  echo "$((SECONDS - began)) s in all"
  exit $r
fi
suite=$1
cache=${HOSTS_CACHE:-$BUILD/hosts}
work=$(mktemp -d)
. "$SRC/tests/nightly/booted.lib"
. "$SRC/tests/nightly/hosts.lib"
tidy() {
  rm -f "$work"/go.*
  hosts_end
  umount -R "$work"/* 2>/dev/null || :
  rm -rf "$work"
}
set -E
trap '[ $BASHPID != $$ ] || echo "FAILED in $BASH_SOURCE, line $LINENO: $BASH_COMMAND" >&2' ERR
trap tidy EXIT
mkdir -p "$cache"

step "$suite: packages and a root"
host_packages "$suite" "$cache"
host_root "$suite" "$cache/$suite.tar" "$cache/$suite"
mkdir "$work/root"
mount -t tmpfs -o mode=755 tmpfs "$work/root"
tar -C "$work/root" -xf "$cache/$suite.tar"
mkdir "$work/next"
repack "$cache/$suite" "$work/next"

SECONDS=0
step "hosts boot"
host_net dir a b c d
for h in dir a b c d; do host_make $h; cp "$cache/$suite"/*.deb "$work/$h/debs/"; done
on_boot a # what is there before anything is installed
host_boot dir a b
for h in dir a b; do host_good $h; done

own_tests
host_boot d
readme_path d
host_stop d
install_all
people_log_in
lock_out
after_reboot
back_again
changes_under_load
removal
echo "$suite: $SECONDS s after packages and roots"
