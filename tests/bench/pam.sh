#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# pam.sh BUILD_DIR: what pam_scim's account phase adds to a login, by the published
# image alone and with a live check that scim-directory answers on loopback: the
# median over as many people, less what the same stack takes without us. Private
# mount, pid and network namespaces; needs root.
set -eu -o pipefail
BUILD=$(realpath "${1:?usage: pam.sh BUILD_DIR}")
if [ "${2:-}" != inside ]; then
  exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0" "$BUILD" inside
fi
cd "$(dirname "$0")/../.."
. tests/system/lib.sh
. tests/system/doors.sh
work=$(mktemp -d)
ns_prepare "$work" "$BUILD"
doors_prepare "$BUILD"
people=$(seq -f 'user%03g' 1 60)
# shellcheck disable=SC2086
doors_directory $people
scimd_start
over=0
row() {
  local verdict
  verdict=$(awk -v v="$2" -v l="$3" 'BEGIN { print (v <= l) ? "ok" : "over" }')
  [ "$verdict" = ok ] || over=1
  printf '%-52s %8s  limit %6s %-9s %s\n' "$1" "$2" "$3" "$4" "$verdict"
}
echo 'account required pam_permit.so' >/etc/pam.d/bench-none
printf 'account required pam_permit.so\naccount required pam_scim.so live=off\n' >/etc/pam.d/bench-image
printf 'account required pam_permit.so\naccount required pam_scim.so live=1.5s\n' >/etc/pam.d/bench-live
median() { "$BUILD/tests/bench/bench_pam" "$@" | cut -d' ' -f1; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a - b }'; }
# shellcheck disable=SC2086
{
  none=$(median bench-none $people)
  row "account phase, from the image" "$(less "$(median bench-image $people)" "$none")" 0.2 ms
  row "account phase, root" "$(less "$(median bench-live $(yes root | head -60))" "$none")" 0.2 ms
  row "account phase, the directory asked" "$(less "$(median bench-live $people)" "$none")" 20 ms
}
exit $over
