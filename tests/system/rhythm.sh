#!/usr/bin/env bash
# The two rhythms: the short one closes accounts that are disabled and asks for
# nothing else; where the directory does not honour the filter, both bring the
# whole list.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
scim_start tests/realscim --users 60 --groups 3
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
conf() {
  cat >/etc/scimd/scimd.conf <<EOF
[scimd]
interval = 1s
full_interval = 1h
[directory/corp]
url = $SCIM_URL
token = corp
$1
[access]
allow = all
EOF
}
locked() { [ "$(getent passwd "$1" | cut -d: -f2)" = '!' ]; }
count() { getent passwd | grep -c '^user'; }
has() { [ "$(count)" = "$1" ]; }

echo "# the short rhythm: disabled within the interval, newcomers wait"
conf ''
scimd_start
admin /__churn '{"add":1}' >/dev/null
admin /__churn '{"deactivate":1,"from":1}' >/dev/null
tenacious 10 locked user00001
if [ "$(count)" != 60 ]; then cat "$NS_TMP/scimd.log" >&2; exit 1; fi
scimctl sync --wait >/dev/null
[ "$(count)" = 61 ]
scimctl audit --user user00001 | grep -q disabled
scimctl status | grep -q '^green'
scimd_stop

echo "# a directory without filters: everything comes with the short rhythm"
conf 'quirks = github'
scimd_start
admin /__churn '{"add":1}' >/dev/null
tenacious 20 has 62
grep -q 'is read in full every time' "$NS_TMP/scimd.log"
scimd_stop
