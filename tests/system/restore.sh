#!/usr/bin/env bash
# scim-directory goes back to a backup: a host that listened reads everything again
# and comes to what the directory is now, people of the lost time are locked, those who
# are back have the numbers they had, and no number of the lost time is given again.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ip link set lo up
config() { printf '[server]\nlisten = 127.0.0.1:%s\nstate_dir = %s/directory\n' "$1" "$NS_TMP" >"$NS_TMP/directory.conf"; }
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
config 0
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
begin() {
  : >"$NS_TMP/directory.log"
  scim-directory --config "$NS_TMP/directory.conf" serve 2>"$NS_TMP/directory.log" &
  SCIM_PID=$!
  tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
  config "$port"
}
end() { kill "$SCIM_PID"; wait "$SCIM_PID" || failed "scim-directory ended with $?"; }
failed() { echo "$1" >&2; cat "$NS_TMP/scimd.log" "$NS_TMP/directory.log" >&2; scimctl status >&2 || :; exit 1; }
state() { [[ $(scimctl --json status) == *"\"events\":\"$1"* ]]; }
locked() { [ "$(getent passwd "$1" | cut -d: -f2)" = '!' ]; }
open() { [ "$(getent passwd "$1" | cut -d: -f2)" = '*' ]; }
member() { getent group "$1" | grep -qw "$2"; }
ask() { curl -s -o /dev/null --noproxy '*' -H "Authorization: Bearer $(cat /etc/scimd/credentials.d/corp)" "$@" "http://127.0.0.1:$port/scim/v2/Users?count=2"; }
uid() { getent passwd "$1" | cut -d: -f3; }

begin
for who in ann ben cem; do directory user add $who; done
directory group add crew
directory group member add crew ann
cat >/etc/scimd/scimd.conf <<CONF
[scimd]
interval = 1h
full_interval = 1h
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
[access]
allow = all
CONF
scimd_start
tenacious 10 state connected || failed 'it does not listen'
open ben && open cem && member crew ann || failed 'the first sync'
cem=$(uid cem)
directory backup "$NS_TMP/backup"

echo '# the time that will be lost'
directory user disable ben
directory user delete cem
directory user add dan
directory user add fay
directory group member add crew ben
tenacious 10 open fay || failed 'fay never came'
tenacious 10 locked cem || failed 'cem was not locked'
lost=$(uid dan):$(uid fay)
tag=$(ask -D - | tr -d '\r' | awk 'tolower($1) == "etag:" { print $2 }')
[ "$(ask -w '%{http_code}' -H "If-None-Match: $tag")" = 304 ] || failed "the list has no tag: $tag"

echo '# back to the backup'
end
tenacious 10 state failed || failed 'the loss was not noticed'
directory restore "$NS_TMP/backup"
begin
tenacious 60 open ben || failed 'not what the backup says: ben'
tenacious 60 locked dan || failed 'who is not in the backup is not locked'
grep -q 'do not go back far enough' "$NS_TMP/scimd.log" || failed 'it was not read as a whole'
open cem && open ann && locked fay || failed 'not what the backup says'
[ "$(uid cem)" = "$cem" ] || failed "cem had $cem and has $(uid cem)"
member crew ann || failed 'ann is not in crew'
if member crew ben; then failed 'ben is still in crew'; fi
tenacious 20 state connected || failed 'it does not listen again'

echo '# no number of the lost time comes back, no list is taken for one of it, and events go on'
for who in gus hal ida jon kay; do
  [ "$(ask -w '%{http_code}' -H "If-None-Match: $tag")" = 200 ] || failed "a list of the lost time stands for this one, before $who"
  directory user add $who
  tenacious 10 open $who || failed "$who never came"
  case ":$lost:" in *":$(uid $who):"*) failed "$who was given $(uid $who), which was somebody's" ;; esac
done
[ "$(getent passwd | cut -d: -f3 | sort | uniq -d)" = '' ] || failed 'one number for two'
[ "$(uid dan):$(uid fay)" = "$lost" ] || failed 'the numbers of the lost time were moved'
directory audit --verify
scimd_stop
