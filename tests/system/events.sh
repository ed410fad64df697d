#!/usr/bin/env bash
# Events: what changes in the directory is in the image within a second, read by its
# id; acknowledged only then; caught up after every kind of break; never a busy loop.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
events_start() {
  : >"$NS_TMP/scim.log"
  ip link set lo up
  node tests/system/events.mjs "$@" >"$NS_TMP/scim.log" 2>&1 &
  SCIM_PID=$!
  tenacious 30 grep -q '^READY' "$NS_TMP/scim.log" || { cat "$NS_TMP/scim.log" >&2; return 1; }
  SCIM_URL=$(sed -n 's/^READY \([^ ]*\).*/\1/p' "$NS_TMP/scim.log")
  SCIM_ROOT=${SCIM_URL%/scim/v2}
}
failed() { echo "$1" >&2; cat "$NS_TMP/scimd.log" >&2; scimctl status >&2 || :; exit 1; }
now() { echo "${EPOCHREALTIME/./}"; }
# within WHAT JSON COMMAND…: the change is seen within a second.
within() {
  local what=$1 change=$2 from took
  shift 2
  from=$(now)
  admin /__change "$change" >/dev/null
  tenacious 10 "$@" || failed "$what never came"
  took=$((($(now) - from) / 1000))
  echo "  $what: $took ms"
  [ "$took" -lt 1000 ] || failed "$what took $took ms"
}
here() { getent passwd "$1"; }
locked() { [ "$(getent passwd "$1" | cut -d: -f2)" = '!' ]; }
member() { getent group "$1" | grep -qw "$2"; }
state() { [[ $(scimctl --json status) == *"\"events\":\"$1"* ]]; }
connected() { state connected; }
lost() { state failed; }
acknowledged() { admin /__streams | grep -q ":$1[,}]"; }
seen() { admin "/__seen$1" | grep -o '"path":"[^"]*"' || :; }

events_start 60 3
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
conf() {
  cat >/etc/scimd/scimd.conf <<CONF
[scimd]
interval = 1h
full_interval = 1h
[directory/corp]
url = $SCIM_URL
token = corp
$1
[access]
allow = all
CONF
}
conf ''
scimd_start
tenacious 5 connected || failed 'it does not listen'
scimctl status | grep -q 'events     connected' || failed 'status does not say that it listens'

echo '# a change is there within a second, and nothing else was read'
seen '?clear' >/dev/null
within 'somebody new' '{"add":1}' here user00060
within 'somebody disabled' '{"disable":[3]}' locked user00003
within 'a membership' '{"join":{"group":1,"user":7}}' member group001 user00007
within 'somebody deleted' '{"remove":[5]}' locked user00005
tenacious 5 acknowledged 4 || failed 'not acknowledged'
! seen '' | grep -q 'startIndex' || failed 'a list was read'
[ "$(seen '' | grep -c '/Users/\|/Groups/')" = 4 ] || failed 'more was read than what changed'

echo '# a resource that is not there without a deletion that was told, stays'
admin /__change '{"silently":[8]}' >/dev/null
tenacious 5 acknowledged 5 || failed 'not acknowledged'
! locked user00008 || failed 'absence removed somebody'

echo '# what cannot be read is not acknowledged, and comes again'
admin /__fault '{"get":403}' >/dev/null
admin /__change '{"disable":[4]}' >/dev/null
tenacious 5 grep -q 'what changed could not be read' "$NS_TMP/scimd.log" || failed 'no complaint'
acknowledged 5 || failed 'acknowledged what was not read'
admin /__fault '{}' >/dev/null
tenacious 10 locked user00004 || failed 'it did not come again'
tenacious 5 acknowledged 6 || failed 'not acknowledged'

echo '# many deletions meet the brake'
admin /__change '{"remove":[20,21,22,23,24,25,26,27,28,29]}' >/dev/null
tenacious 10 grep -q 'more users or groups are missing' "$NS_TMP/scimd.log" || failed 'the brake was not met'
! locked user00020 || failed 'the brake did not hold'
scimctl sync --accept-removals --wait >/dev/null
locked user00020 || failed 'accepted removals stay'

echo '# more than fifty: the whole list'
seen '?clear' >/dev/null
admin /__change '{"add":60}' >/dev/null
tenacious 10 here user00120 || failed 'many never came'
seen '' | grep -q 'startIndex' || failed 'no list was read'
! seen '' | grep -q '/Users/' || failed 'they were read one by one'

echo '# an expired stream: everything is read, then events again'
tenacious 5 connected
seen '?clear' >/dev/null
admin /__expire '{}' >/dev/null
whole() { seen '' | grep -q '"path":"/Users?startIndex'; }
tenacious 10 whole || failed 'nothing was read after the expiry'
tenacious 5 connected || failed 'it does not listen any more'
within 'a change after that' '{"disable":[10]}' locked user00010

echo '# the daemon restarts: what happened meanwhile is there'
scimd_stop
admin /__change '{"disable":[11]}' >/dev/null
scimd_start
tenacious 5 locked user00011 || failed 'missed while it was down'
tenacious 5 connected

echo '# the directory goes away: no busy loop, and its return is noticed'
port=${SCIM_ROOT##*:}
scim_stop
tenacious 5 lost || failed 'the loss was not noticed'
scimctl status | grep -q 'events     failed' || failed 'status does not say so'
events_start 121 3 "$port"
tenacious 30 connected || failed 'it did not come back'
admin /__fault '{"poll":500}' >/dev/null
admin /__change '{"disable":[12]}' >/dev/null
tenacious 5 lost || failed 'the fault was not noticed'
seen '?clear' >/dev/null
tenacious 1 false || : # a second in which a busy loop would show
[ "$(seen '' | grep -c Events)" -lt 8 ] || failed 'a busy loop'
admin /__fault '{}' >/dev/null
tenacious 30 connected || failed 'it did not come back from the fault'
tenacious 5 locked user00012 || failed 'not caught up'

echo '# switched off, it asks for no events'
scimd_stop
conf 'events = off'
seen '?clear' >/dev/null
scimd_start
scimctl sync --wait >/dev/null
! seen '' | grep -q Events || failed 'it polls all the same'
scimctl status | grep -q 'events     off'
scimd_stop
