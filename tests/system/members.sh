#!/usr/bin/env bash
# group_members: full lists everybody, none nobody, self only who asks. The
# groups of a person are the same in all three.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
scim_start tests/realscim --users 30 --groups 2
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
with() {
  cat >/etc/scimd/scimd.conf <<EOF
[directory/corp]
url = $SCIM_URL
token = corp
[identity]
group_members = $1
[access]
allow = all
EOF
  scimd --once
}
with full
members=$(getent group group001 | cut -d: -f4)
one=${members%%,*}
[ "$(tr , '\n' <<<"$members" | wc -l)" -gt 1 ]
groups=$(id -G "$one")
with none
[ -z "$(getent group group001 | cut -d: -f4)" ]
[ "$(id -G "$one")" = "$groups" ]
with self
[ -z "$(getent group group001 | cut -d: -f4)" ]
[ "$(id -G "$one")" = "$groups" ]
[ "$(setpriv --reuid "$(id -u "$one")" --clear-groups getent group group001 | cut -d: -f4)" = "$one" ]
other=$(getent passwd | awk -F: '/^user/ { print $1 }' | while read -r n; do id -nG "$n" | grep -qw group001 || { echo "$n"; break; }; done)
[ -z "$(setpriv --reuid "$(id -u "$other")" --clear-groups getent group group001 | cut -d: -f4)" ]
