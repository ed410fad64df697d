#!/usr/bin/env bash
# Real sshd, su, sudo, cron and at on the stack that Debian's pam-auth-update makes
# of our profile: an active person gets in by every door, a disabled one by none.
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
scimd --once 2>"$NS_TMP/once"
doors_sshd ann ben cem

echo "# a key login: who is active gets in, who is disabled does not"
door ssh ann
directory user disable ann@example.com
scimd --once 2>"$NS_TMP/once"
no_door ssh ann 'Your account is disabled'
