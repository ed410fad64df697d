#!/usr/bin/env bash
# Real scimd, real glibc, a real SCIM server: people appear, change, leave; the
# server goes away and the host keeps answering.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
scim_start tests/realscim --users 300 --groups 6 --nested 2
cat >/etc/scimd/scimd.conf <<EOF
[scimd]
interval = 1h
[directory/corp]
url = $SCIM_URL
token = corp
[access]
allow = groups.display eq "group001"
EOF
(umask 077; echo secret >/etc/scimd/credentials.d/corp)

echo "# once"
scimd --once
getent passwd user00001 | grep -q '^user00001:\*:[0-9]*:[0-9]*:.*:/home/user00001:/bin/bash$'
uid=$(id -u user00001)
[ "$(getent passwd "$uid" | cut -d: -f1)" = user00001 ]
[ "$(getent passwd user00019 | cut -d: -f2,7)" = '!:/usr/sbin/nologin' ]
id -nG user00001 | grep -qw group001
id -nG user00001 | grep -qw nested001
if getent passwd nobody-here; then exit 1; fi
[ "$(getent passwd | grep -c '^user')" = 300 ]
[ "$(getent group | grep -c '^group')" = 6 ]
[ "$(scimctl lookup user00001)" = "$(getent passwd user00001)" ]

echo "# with the daemon down, from the image"
r=0; scimctl status >"$NS_TMP/out" || r=$?
[ "$r" = 3 ]; grep -q 'daemon is not running' "$NS_TMP/out"
r=0; scimctl explain user00019 >/dev/null || r=$?
[ "$r" = 6 ]

echo "# the daemon; nothing changed: same generation, no commit"
scimd_start
before=$(scimctl --json status | sed 's/.*"generation":\([0-9]*\).*/\1/')
scimctl sync --wait | grep -q '^nothing changed'
[ "$(scimctl --json status | sed 's/.*"generation":\([0-9]*\).*/\1/')" = "$before" ]
r=0; scimd --once 2>"$NS_TMP/out" || r=$?
[ "$r" = 1 ]; grep -q 'scimctl sync' "$NS_TMP/out"

echo "# disabled, renamed, added, removed"
admin /__churn '{"deactivate":1,"from":1}' >/dev/null
admin /__churn '{"rename":1,"from":2}' >/dev/null
admin /__churn '{"add":2,"remove":3}' >/dev/null
keep=$(id -u user00002)
scimctl sync --dry-run >"$NS_TMP/plan"
grep -q '^+ ' "$NS_TMP/plan"; grep -q '^- user00299' "$NS_TMP/plan"
[ "$(getent passwd user00001 | cut -d: -f2)" = '*' ]
gone=$(id -u user00299)
scimctl sync --wait
[ "$(getent passwd user00001 | cut -d: -f2,7)" = '!:/usr/sbin/nologin' ]
[ "$(id -nG user00001)" = user00001 ]
[ "$(id -u r-user00002)" = "$keep" ]
[ "$(getent passwd "$gone" | cut -d: -f1,7)" = user00299:/usr/sbin/nologin ]
scimctl audit --user user00001 | grep -q disabled
scimctl audit --verify | tail -n 1 | grep -qx 'the chain is whole'
lines=$(grep -c '^scimd: sync: ' "$NS_TMP/scimd.log")
scimctl sync --wait | grep -q '^nothing changed' # not the news of the sync before
[ "$(grep -c '^scimd: sync: ' "$NS_TMP/scimd.log")" = "$lines" ]

echo "# more than the brake allows: held, named, then accepted"
admin /__churn '{"remove":40}' >/dev/null
r=0; scimctl sync --wait 2>"$NS_TMP/out" || r=$?
[ "$r" = 1 ]; grep -q 'accept-removals' "$NS_TMP/out"
r=0; scimctl status >"$NS_TMP/out" || r=$?
[ "$r" = 1 ]; grep -q 'users that would go: user' "$NS_TMP/out"
getent passwd user00290 >/dev/null
scimctl sync --accept-removals
scimctl status | grep -q '^green'

echo "# the server goes away: same answers, red status"
scim_stop
r=0; scimctl sync --wait 2>/dev/null || r=$?
[ "$r" = 1 ]
getent passwd user00003 >/dev/null
r=0; scimctl status >"$NS_TMP/out" || r=$?
[ "$r" = 1 ]; grep -q '^red' "$NS_TMP/out"

echo "# a local account of the same name wins within a second"
before=$(getent passwd user00003)
echo 'user00003:x:4242:4242::/:/bin/sh' >>/etc/passwd
tenacious 5 bash -c '! scimctl -q lookup user00003 || [ "$(scimctl lookup user00003 | cut -d: -f1)" != user00003 ]'
getent passwd user00003 | grep -q ':4242:'
r=0; scimctl explain user00003 >"$NS_TMP/out" || r=$?
[ "$r" = 6 ]; grep -q 'local accounts win' "$NS_TMP/out"
sed -i '/^user00003:/d' /etc/passwd # a host that moves: the directory's is served, with its number
export before
tenacious 15 bash -c '[ "$(getent passwd user00003)" = "$before" ]'
