#!/usr/bin/env bash
# Real sshd, su, sudo, login, cron and at on the stack that Debian's pam-auth-update
# makes of our profile, or with STACK=authselect on that of ours there: an active person gets in by every door, one who was disabled
# by none. The states a host can be in: pam-states.sh.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
. tests/system/doors.sh
ns_begin "$0"
doors_prepare "$BUILD"
doors_directory ann ben cem
directory user add dan@example.com --key "$NS_TMP/id.pub" # in no group
scimd_start
doors_sshd ann ben cem dan
uid=$(id -u ann)
[ "$(/usr/sbin/sshd -T -f "$NS_TMP/sshd.22024" | grep -i '^authorizedkeyscommand ')" = 'authorizedkeyscommand /usr/sbin/scim-authorized-keys %u' ]

if [ "${STACK:-debian}" = authselect ]; then # which leaves homes to oddjobd
  for u in ann ben; do install -d -o "$(id -u $u)" -g "$(id -g $u)" /home/$u; done
fi

echo "# every door opens for ann, who is active, and her home is made"
for d in $DOORS; do door "$d" ann; done
if [ "${STACK:-debian}" = debian ]; then
  [ "$(stat -c %U:%a /home/ann | cut -c1-4)" = ann: ]
  [ -e /home/ann/.profile ]
fi
tenacious 10 sh -c "scimctl audit --user ann | grep -q 'first session'"
[ "$(scimctl --json audit --user ann | grep -o '"first session"' | wc -l)" = 1 ]

echo "# no door for dan, whom the policy leaves out"
for d in ssh certificate directory_key su sudo cron; do no_door "$d" dan; done
no_door ssh dan 'You may not log in on this host. Ask your administrator.'

echo "# the directory is asked: who was disabled a moment ago stays out, before any sync"
directory user disable ann@example.com
no_door ssh ann 'Your account is disabled. Ask your administrator. (scimd: '
scimctl sync --full --wait >/dev/null

echo "# then no door opens for her"
for d in $DOORS; do no_door "$d" ann; done
no_door ssh ann 'Your account is disabled. Ask your administrator. (scimd: rule 4)'
no_door su ann 'Your account is disabled.'
[ "$(id -u ann)" = "$uid" ]
door ssh ben

echo "# who was deleted stays out too"
directory user delete cem@example.com
scimctl sync --full --wait >/dev/null
for d in ssh certificate directory_key without_pam su sudo; do no_door "$d" cem; done

echo "# enabled again: in again, with the same number"
directory user enable ann@example.com
scimctl sync --full --wait >/dev/null
for d in ssh directory_key su sudo cron; do door "$d" ann; done
[ "$(id -u ann)" = "$uid" ]

echo "# disabled after the account phase has said yes, before the session opens: no session"
cat >"$NS_TMP/disable" <<END
#!/bin/bash
PATH=$PATH
scim-directory --config $NS_TMP/directory.conf user disable ben@example.com && scimctl sync --full --wait
END
chmod 755 "$NS_TMP/disable"
{
  echo 'auth sufficient pam_permit.so'
  grep -E '^(@include common-(account|session)|(account|session) +include)' /etc/pam.d/login
} >/etc/pam.d/late
grep -cE 'account' /etc/pam.d/late | grep -qx 1 || { cat /etc/pam.d/late >&2; exit 1; }
pamtester late ben acct_mgmt open_session close_session >"$NS_TMP/out" 2>&1 || { cat "$NS_TMP/out" >&2; exit 1; }
{ head -n 2 /etc/pam.d/late; echo "session required pam_exec.so seteuid $NS_TMP/disable"; tail -n +3 /etc/pam.d/late; } >"$NS_TMP/late"
cp "$NS_TMP/late" /etc/pam.d/late
r=0
pamtester late ben acct_mgmt open_session >"$NS_TMP/out" 2>&1 || r=$?
grep -q 'account management done' "$NS_TMP/out" || { cat "$NS_TMP/out" >&2; exit 1; }
if [ "$r" = 0 ]; then echo "a session opens for somebody who was disabled" >&2; cat "$NS_TMP/out" >&2; exit 1; fi
# Root, and who is in no directory, have theirs.
pamtester late root acct_mgmt open_session close_session >"$NS_TMP/out" 2>&1 || { cat "$NS_TMP/out" >&2; exit 1; }

echo "# of a session only root tells about others"
tell() { # WHO COMMAND-AND-NAME: what scimd answers
  as "$1" node -e 'const s = require("net").connect("/run/scimd/scimd.sock"), b = Buffer.from(process.argv[1]), h = Buffer.alloc(4)
    h.writeUInt32BE(b.length); s.write(Buffer.concat([h, b])); s.on("data", (d) => process.stdout.write(d.subarray(4)))' "$2"
}
directory user enable ben@example.com
scimctl sync --full --wait >/dev/null
tell ben '{"command":"session","name":"ben"}' | grep -q '"ok":true,"result":{"schema":1,"first":false}'
tell ben '{"command":"session","name":"ann"}' | grep -q '"ok":false,"code":"not-found"'
tell ben '{"command":"session","name":"nobody-here"}' | grep -q '"ok":false,"code":"not-found"'
tell root '{"command":"session","name":"ann"}' | grep -q '"first":false'
tell root '{"command":"session","name":"cem"}' | grep -q '"ok":false,"code":"not-found"'
tell root '{"command":"session"}' | grep -q '"ok":false,"code":"usage"'
scimctl audit --verify | tail -n 1 | grep -qx 'the chain is whole'
scimd_stop
