#!/usr/bin/env bash
# systemd takes the units as they are installed without a complaint, they are as
# locked down as promised, and the users that they run as are made.
set -euo pipefail
if ! command -v systemd-analyze >/dev/null; then
  echo "systemd-analyze is not installed"
  exit 77
fi
bad=0
miss() { echo "$1" >&2; bad=1; }
units=$BUILD/root/usr/lib/systemd/system
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "# what systemd says to them"
cp "$units"/scim* "$work"
sed -i -E "s#^(ExecStart=)/usr/#\1$BUILD/root/usr/#" "$work"/*.service
for u in "$work"/*; do
  case $u in *@.service) u=${u/@./@1.} && mv "${u/@1./@.}" "$u" ;; esac
done
for u in "$work"/*.service; do
  # Hooks run as nobody, who has nothing, until a drop-in says as whom.
  said=$(systemd-analyze verify --man=no "$u" 2>&1 | grep -F scim | grep -v 'scim-hook.*Special user nobody' || :)
  [ -z "$said" ] || miss "$said"
done
for u in "$units"/*.socket; do
  of=${u%.socket}
  [ -e "$of.service" ] || [ -e "$of@.service" ] || miss "$u has no service"
done
# Skipped with the question still in its socket, a service is started for it again and
# again, until systemd gives the socket up.
if grep -E '^(ExecCondition|Condition|Assert)' "$units/scimd.service"; then miss "scimd.service may be skipped, and scimd.socket fails by that"; fi
grep -rn '@[a-z]*dir@' "$units" && miss "a path is not filled in"

echo "# exposure"
# UNIT MOST: ten times the exposure that systemd finds
while read -r unit most; do
  said=$(systemd-analyze security --no-pager --offline=yes --threshold="$most" "$work/$unit" 2>&1) ||
    miss "$unit: $(tail -n 1 <<<"$said")"
  grep -o 'Overall exposure.*: [0-9.]* [A-Z]*' <<<"$said" || miss "$unit: no exposure"
done <<'END'
scimd.service 15
scim-directory.service 15
scim-hook@1.service 15
scim-lockout@1.service 25
END

echo "# users"
for u in scimd scim-directory; do
  user=$(sed -n 's/^User=//p' "$units/$u.service")
  grep -q "^u $user " "$BUILD/root/usr/lib/sysusers.d/$u.conf" || miss "$u.conf does not make $user"
  grep -q "^StateDirectory=$u$" "$units/$u.service" || miss "$u.service has no state directory"
done
[ "$(stat -c %a "$BUILD/root/etc/scimd/credentials.d")" = 700 ] || miss "credentials.d, without which scimd.service does not start"
# How old the image is, is counted by the clock of this boot, whose id is below /proc/sys.
if grep -q '^ProcSubset=pid' "$units/scimd.service"; then miss "scimd.service hides which boot this is"; fi
[ "$bad" = 0 ]
