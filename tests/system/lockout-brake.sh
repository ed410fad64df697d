#!/usr/bin/env bash
# Whose processes are ended, and whose are not: many at once wait for a word, a
# policy alone ends nobody's unless told to, a helper that is not there is waited
# for across a restart, who is let in again keeps theirs; and when the evidence is none.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ip link set lo up
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
failed() { echo "FAILED: $1" >&2; tail -n 30 "$NS_TMP/scimd.log" "$NS_TMP/lockout.log" >&2; scimctl status >&2 || :; scimctl lockout >&2 || :; exit 1; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
seq -f 'p%g@example.com' 0 29 | while read -r who; do directory user add "$who"; done
conf() { # ALLOW ON_POLICY
  cat >/etc/scimd/scimd.conf <<CONF
[scimd]
interval = 1h
full_interval = 1h
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
events = off
[access]
allow = $1
[lockout]
on_policy = $2
CONF
}
conf all keep
scimd_start
run() { setpriv --reuid "$1" --regid "$1" --clear-groups sleep 1000 >/dev/null 2>&1 & }
runs() { pgrep -u "$1" >/dev/null; }
none() { ! pgrep -u "$1" >/dev/null; }
empty() { scimctl lockout | grep -q "^nobody's"; }
red() { [[ $(scimctl status) == red* ]]; }
sync() { scimctl sync --wait >/dev/null; }
evidence() { # NAME EXPECTED-STATUS WORDS
  local r=0
  scimctl evidence --user "$1" >"$NS_TMP/out" 2>&1 || r=$?
  [ "$r" = "$2" ] && grep -q "$3" "$NS_TMP/out" || { cat "$NS_TMP/out" >&2; failed "evidence on $1: $r"; }
}
for i in {0..29}; do run "p$i"; done
tenacious 20 runs p29

echo '# a policy alone ends nobody'
conf 'userName ne "p0@example.com"' keep
scimctl reload >/dev/null
denied() { local r=0; scimctl explain "$1" >/dev/null || r=$?; [ "$r" = 6 ]; }
tenacious 10 denied p0 || failed 'p0 may still log in'
sync
empty || failed 'somebody is to be ended'
runs p0 || failed 'p0 was ended'
evidence p0 4 'nobody of that name'

echo '# unless it is to; and an explicit disable after a policy ends them too'
conf 'userName ne "p0@example.com" and userName ne "p1@example.com"' end
scimctl reload >/dev/null
tenacious 15 none p1 || failed 'p1 goes on'
runs p0 || failed 'who was denied before is not locked out anew'
tenacious 10 empty
evidence p1 0 'p1 .*: policy'
directory user disable p0@example.com
sync
tenacious 15 none p0 || failed 'p0 goes on'
tenacious 10 empty
evidence p0 0 'p0 .*: disabled'
conf all keep
scimctl reload >/dev/null
sync

echo '# many at once: denied, and they wait'
for i in {2..8}; do directory user disable "p$i@example.com"; done
sync
red || failed 'not red'
denied p8 || failed 'p8 may log in'
runs p8 || failed 'p8 was ended'
[ "$(scimctl lockout | grep -c ' held')" = 7 ] || failed 'not seven'
evidence p8 1 'have not ended yet'
echo '# let in again: theirs go on'
directory user enable p8@example.com
sync
[ "$(scimctl lockout | grep -c ' held')" = 6 ] || failed 'p8 is still held'
echo '# and a restart keeps them waiting'
scimd_stop
scimd_start
red || failed 'forgotten'
scimctl lockout --accept >/dev/null
tenacious 20 empty || failed 'accepted, and not ended'
for i in {2..7}; do none "p$i" || failed "p$i goes on"; done
runs p8 || failed 'p8 was ended'
scimctl status | grep -q '^green' || failed 'not green'
evidence p2 0 'the last process was gone'

echo '# accepted removals need no second word'
for i in {9..16}; do directory user delete "p$i@example.com"; done
if sync 2>/dev/null; then failed 'not held'; fi
scimctl sync --accept-removals >/dev/null
tenacious 20 empty || failed 'not ended'
for i in {9..16}; do none "p$i" || failed "p$i goes on"; done
evidence p9 0 'p9 .*: deleted'

echo '# the helper is not there: red, and made good when it is, also by another scimd'
lockout_stop
rm -f /run/scimd/lockout.sock
directory user disable p17@example.com
sync
tenacious 10 red || failed 'not red'
[[ $(scimctl status) == *lockout.sock* ]] || failed 'it does not say why'
scimd_stop
runs p17
lockout_start
scimd --once
none p17 || failed 'p17 goes on after --once'
scimd_start
evidence p17 0 'the last process was gone'
r=0; scimctl evidence --user p17 --limit 0s >"$NS_TMP/out" || r=$?
[ "$r" = 1 ] && grep -q 'later than the limit' "$NS_TMP/out" || failed 'a limit that was missed is none'

echo '# a log that was changed is no evidence'
scimd_stop
perl -0777 -pi -e 's/"event":"published"/"event":"pubIished"/g' /var/lib/scimd/private/data.mdb
scimd_start
evidence p17 1 'missing or was changed'
scimd_stop
