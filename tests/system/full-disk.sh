#!/usr/bin/env bash
# Not one byte is free and a thousand people are disabled: they are committed and
# published all the same, status says that the reserve is used up, and makes it
# again when there is room. Then the same on disks too small for what comes: what
# was served stays, or what is new is served whole, and nothing crashes.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
state=/var/lib/scimd
mount -t tmpfs -o mode=755,size=40m tmpfs $state
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
conf() {
  printf '[scimd]\nstate_dir = %s\n[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$1" "$SCIM_URL" >/etc/scimd/scimd.conf
}
fill() { dd if=/dev/zero of=$state/filler bs=4096 status=none 2>/dev/null || [ "$(stat -f -c %a $state)" = 0 ]; }
locked() { getent passwd | grep -c '^user[0-9]*:!'; }

echo "# a full disk: disables are committed and published, and again"
fast_start 2500 5
conf $state
scimd_start
scimctl status | grep -q '^green'
before=$(locked)
fill
[ "$(stat -f -c %a $state)" = 0 ]
admin /__churn '{"deactivate":1000,"from":0}' >/dev/null
scimctl sync --wait >/dev/null
now=$(locked)
[ "$now" = $((before + 950)) ] || { echo "$before were disabled, now $now" >&2; exit 1; }
scimctl audit --verify | tail -n 1 | grep -qx 'the chain is whole'
r=0; scimctl --json status >"$NS_TMP/out" || r=$?
grep -q '"no_room":"no space' "$NS_TMP/out" || { cat "$NS_TMP/out" >&2; exit 1; }
# So many at once: their processes go on until somebody accepts it.
[ "$r" = 1 ]; grep -q '"reason":"the processes of 950 people' "$NS_TMP/out" || { cat "$NS_TMP/out" >&2; exit 1; }
admin /__churn '{"deactivate":20,"from":1000}' >/dev/null
scimctl sync --wait >/dev/null
[ "$(locked)" = $((now + 19)) ]

echo "# the same after a restart on the full disk"
scimd_stop
admin /__churn '{"deactivate":20,"from":1020}' >/dev/null
scimd --once
[ "$(locked)" = $((now + 38)) ]

echo "# room again: the reserve is made again, though nothing changed"
scimd_start
rm $state/filler
scimctl sync --wait | grep -q '^nothing changed'
scimctl lockout --accept >/dev/null
ended() { scimctl lockout | grep -q "^nobody's"; }
tenacious 120 ended || { scimctl lockout >&2; exit 1; }
scimctl status | grep -q '^green' || { scimctl status >&2; exit 1; }
[ "$(scimctl --json evidence --limit 1h | grep -o '"ended":' | wc -l)" = 988 ]
fill
admin /__churn '{"deactivate":1000,"from":1040}' >/dev/null
scimctl sync --wait >/dev/null
[ "$(locked)" = $((now + 38 + 950)) ]
scimd_stop
scim_stop
umount $state

# Small disks. bad WHAT: says so; the script goes on, and ends with an error.
failed=0
bad() { echo "$*" >&2; cat "$NS_TMP/log" >&2; failed=1; }
disk=$NS_TMP/disk
mkdir "$disk"
served() { scimctl --state-dir "$1" --json list users; scimctl --state-dir "$1" --json list groups; }
once() { conf "$1"; scimd --once >"$NS_TMP/log" 2>&1; }
step=192 # KiB
[ "${NIGHTLY:-no}" = no ] || step=64

echo "# a first sync on disks that are too small, until one is large enough"
fast_start 400 4
mkdir "$NS_TMP/old"
once "$NS_TMP/old"
served "$NS_TMP/old" >"$NS_TMP/old.json"
size=64 good=0 small=0
while [ $good -lt 2 ] && [ $size -lt 8192 ]; do
  mount -t tmpfs -o "mode=755,size=${size}k" tmpfs "$disk"
  r=0; once "$disk" || r=$?
  served "$disk" >"$NS_TMP/now.json" 2>/dev/null || :
  case $r in
    0) good=$((good + 1)); cmp -s "$NS_TMP/now.json" "$NS_TMP/old.json" || bad "first sync, $size KiB: not whole" ;;
    1) small=$((small + 1)); [ ! -e "$disk/accounts.image" ] || bad "first sync, $size KiB: failed, but something is published" ;;
    *) bad "first sync, $size KiB: exit $r" ;;
  esac
  umount "$disk"
  size=$((size + step))
done
echo "  $small too small, $good good, up to $size KiB ($SECONDS s)"; [ $good = 2 ] && [ $small -gt 1 ]

echo "# a large change where little room is left"
admin /__churn '{"deactivate":300}' >/dev/null
admin /__churn '{"add":300}' >/dev/null
cp -a "$NS_TMP/old" "$NS_TMP/new"
once "$NS_TMP/new"
served "$NS_TMP/new" >"$NS_TMP/new.json"
rm -f "$NS_TMP/old/accounts.image.spare" "$NS_TMP/old/private/reserve"
size=$(($(du -sk "$NS_TMP/old" | cut -f1) + 16)) good=0 small=0
while [ $good -lt 2 ] && [ $size -lt 16384 ]; do
  mount -t tmpfs -o "mode=755,size=${size}k" tmpfs "$disk"
  cp -a "$NS_TMP/old/." "$disk/"
  r=0; once "$disk" || r=$?
  served "$disk" >"$NS_TMP/now.json" 2>&1 || :
  case $r in
    0) good=$((good + 1)); cmp -s "$NS_TMP/now.json" "$NS_TMP/new.json" || bad "change, $size KiB: not whole" ;;
    1)
      small=$((small + 1))
      cmp -s "$NS_TMP/now.json" "$NS_TMP/old.json" || bad "change, $size KiB: failed, but the old state is not served"
      mount -o remount,size=32m "$disk"
      once "$disk" && served "$disk" | cmp -s - "$NS_TMP/new.json" || bad "change, $size KiB: the next run does not bring the new state"
      ;;
    *) bad "change, $size KiB: exit $r" ;;
  esac
  umount "$disk"
  size=$((size + step / 3))
done
echo "  $small too small, $good good, up to $size KiB ($SECONDS s)"; [ $good = 2 ] && [ $small -gt 1 ]
exit $failed
