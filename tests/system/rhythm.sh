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
scimd_stop

echo "# neither rhythm is exceeded: splay only shortens, and is not the same each time"
printf '[scimd]\ninterval = 1h\nfull_interval = 1h\n[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
scimd_start
shortest=999999 longest=0
for _ in $(seq 20); do
  scimctl sync --wait >/dev/null
  pause=$(scimctl --json status | node -e 'const s = JSON.parse(require("fs").readFileSync(0, "utf8")); console.log(Math.round((Date.parse(s.next_sync) - Date.parse(s.last_sync.at)) / 1000))')
  [ "$pause" -ge $shortest ] || shortest=$pause
  [ "$pause" -le $longest ] || longest=$pause
done
echo "  an interval of 3600 s: $shortest to $longest s"
[ $shortest -ge 3200 ] && [ $longest -le 3600 ] && [ $longest -gt $((shortest + 5)) ] || exit 1
scimd_stop

echo "# nor by each other: who is removed is seen within the long one, though it is no multiple"
sed -i 's/^interval = 1h/interval = 6s/; s/^full_interval = 1h/full_interval = 7s/' /etc/scimd/scimd.conf
scimd_start
gone=$(getent passwd | grep '^user' | tail -n 1 | cut -d: -f1)
SECONDS=0
admin /__churn '{"remove":1}' >/dev/null
fewer() { [ "$(getent passwd | grep -c '^user[0-9]*:\*')" -lt "$before" ]; }
before=$(getent passwd | grep -c '^user[0-9]*:\*')
tenacious 10 fewer || { echo "$gone is still there after $SECONDS s" >&2; exit 1; }
scimd_stop
