#!/usr/bin/env bash
# Events of the real scim-directory: its changes are on the host within a second,
# also those of its command line; it may be killed, come back, and forget.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ip link set lo up
config() { printf '[server]\nlisten = 127.0.0.1:%s\nstate_dir = %s/directory\nevent_retention = %s\n' "$1" "$NS_TMP" "$2" >"$NS_TMP/directory.conf"; }
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
config 0 1h
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
writer=$(directory token create --name admin --scope write)
begin() {
  : >"$NS_TMP/directory.log"
  scim-directory --config "$NS_TMP/directory.conf" serve 2>"$NS_TMP/directory.log" &
  SCIM_PID=$!
  tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
}
failed() { echo "$1" >&2; cat "$NS_TMP/scimd.log" "$NS_TMP/directory.log" >&2; scimctl status >&2 || :; exit 1; }
begin
for who in ann ben cem; do directory user add "$who@example.com"; done
directory group add crew
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
state() { [[ $(scimctl --json status) == *"\"events\":\"$1"* ]]; }
tenacious 5 state connected || failed 'it does not listen'

send() { # METHOD PATH BODY
  curl -sf --noproxy '*' -X "$1" "http://127.0.0.1:$port/scim/v2$2" -H "Authorization: Bearer $writer" \
    -H 'Content-Type: application/scim+json' ${3:+-d "$3"}
}
id_of() { send GET "/$1?filter=$2%20eq%20%22$3%22&attributes=id" | grep -o '"id":"[^"]*"' | cut -d'"' -f4; }
now() { echo "${EPOCHREALTIME/./}"; }
took() { # WHAT FROM COMMAND…
  local what=$1 from=$2 ms
  shift 2
  tenacious 10 "$@" || failed "$what never came"
  ms=$((($(now) - from) / 1000))
  echo "  $what: $ms ms"
  [ "$ms" -lt 1000 ] || failed "$what took $ms ms"
}
here() { getent passwd "$1"; }
locked() { [ "$(getent passwd "$1" | cut -d: -f2)" = '!' ]; }
open() { [ "$(getent passwd "$1" | cut -d: -f2)" = '*' ]; }
member() { getent group "$1" | grep -qw "$2"; }
patch() { echo '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":['"$1"']}'; }

echo '# within a second'
ben=$(id_of Users userName ben@example.com)
crew=$(id_of Groups displayName crew)
from=$(now)
send POST /Users '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"dan@example.com","active":true}' >/dev/null
took 'somebody new' "$from" here dan
from=$(now)
send PATCH "/Users/$ben" "$(patch '{"op":"replace","path":"active","value":false}')" >/dev/null
took 'somebody disabled' "$from" locked ben
from=$(now)
send PATCH "/Users/$ben" "$(patch '{"op":"replace","path":"active","value":true}')" >/dev/null
took 'enabled again' "$from" open ben
from=$(now)
send PATCH "/Groups/$crew" "$(patch '{"op":"add","path":"members","value":[{"value":"'"$ben"'"}]}')" >/dev/null
took 'a membership' "$from" member crew ben
from=$(now)
send DELETE "/Users/$(id_of Users userName cem@example.com)" >/dev/null
took 'somebody deleted' "$from" locked cem
from=$(now)
directory user disable ann@example.com
took 'by the command line' "$from" locked ann

echo '# the directory is killed, changed, and comes back'
kill -9 "$SCIM_PID"
wait "$SCIM_PID" 2>/dev/null || :
tenacious 5 state failed || failed 'the loss was not noticed'
directory user enable ann@example.com
config "$port" 1h
begin
tenacious 30 open ann || failed 'not caught up'
tenacious 10 state connected || failed 'it does not listen again'
from=$(now)
send PATCH "/Users/$ben" "$(patch '{"op":"replace","path":"active","value":false}')" >/dev/null
took 'a change after that' "$from" locked ben

echo '# the host is down; its place in the feed is kept'
scimd_stop
send PATCH "/Users/$ben" "$(patch '{"op":"replace","path":"active","value":true}')" >/dev/null
scimd_start
tenacious 5 open ben || failed 'missed while it was down'

echo '# another token: it has no place in the feed, so everything is read'
kill "$SCIM_PID"
wait "$SCIM_PID" 2>/dev/null || :
tenacious 5 state failed || failed 'the loss was not noticed'
directory token revoke host >/dev/null
(umask 077; directory token create --name host-2 --scope read >/etc/scimd/credentials.d/corp)
directory user disable ben@example.com
begin
tenacious 30 grep -q 'do not go back far enough' "$NS_TMP/scimd.log" || failed 'the expiry was not noticed'
tenacious 10 locked ben || failed 'not read anew'
tenacious 10 state connected || failed 'it does not listen again'

echo '# most of those whom the host knew first are deleted one by one: no other directory'
for who in ann dan; do send DELETE "/Users/$(id_of Users userName "$who@example.com")" >/dev/null; done
gone() { ! scimctl --json explain "$1" | grep -q '"userName"'; }
tenacious 10 gone ann || failed 'ann is still there'
tenacious 10 gone dan || failed 'dan is still there'
scimctl sync --full --wait || failed 'a complete list after that'
scimd_stop
