#!/usr/bin/env bash
# How lists are walked, and what a list proves: by number, by cursor (RFC 9865), in SAP's
# way, without pages; over people who go and come meanwhile; with cursors that expire or
# lead nowhere. Whoever is missing is asked for by id before they count as gone.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
. tests/system/lists.lib
ns_begin "$0"
# begin USERS GROUPS [LINE…]: 100 on a page, and these lines in the directory's section
begin() {
  local users=$1 groups=$2
  shift 2
  list_begin "$users" "$groups"
  [ $# = 0 ] || sed -i "s|^token = corp|&\n$(printf '%s\\n' "$@")|" /etc/scimd/scimd.conf
  paging '{"page":100}'
}
whole() { curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__fault" >/dev/null; }
people() { getent passwd | grep -c '^user' || :; }
open() { [ "$(getent passwd "$1" | cut -d: -f2)" = '*' ]; }
gone() { [ "$(getent passwd "$1" | cut -d: -f2)" = '!' ]; }

say 'somebody goes between two pages: who slipped from page 2 to page 1 stays'
begin 300 4
good
[ "$(people)" = 300 ] || fail "$(people) people"
paging '{"page":100,"gone":[4]}'
good
open user00100 || fail 'user00100 was taken for gone'
gone user00004 || fail 'user00004 stays'
[ "$(people)" = 299 ] || fail "$(people) people"

say 'it changes each time that it is read: read as it is in the end, and the missing are asked for'
before=$(people)
forget
paging '{"page":100,"gone":[10,10,10,10,10,10,10,10]}'
good
[ "$(people)" = $((before - 2)) ] || fail "$(people) of $before people; of three who went the last was read before"
[ "$(seen '/Users?startIndex=1&')" = 3 ] || fail "$(seen '/Users?startIndex=1&') walks"
paging '{"page":100,"gone":[10,10,10,10,10,10,10,10],"tags":true,"come":9}'
good
[ "$(people)" -ge $((before - 6)) ] || fail "$(people) of $before people, six went"

say 'as many come as go, so that no count tells: the missing are asked for'
begin 300 4
good
paging '{"page":100,"gone":[4],"come":1}'
good
open user00100 || fail 'user00100 was taken for gone'
open user00300 || fail 'the new one did not come'
good
gone user00004 || fail 'user00004 stays'

say 'as many come as go, but the ETag of the list tells: it is read again'
begin 300 4
good
paging '{"page":100,"gone":[4],"come":1,"tags":true,"says":{"cursor":false}}'
good
open user00100 || fail 'user00100 was taken for gone'
gone user00004 || fail 'user00004 stays'

say 'empty pages that say there is nobody'
begin 104 4
good
paging '{"page":100,"empty":true}'
refused 'users: '
open user00102 || fail 'user00102 was taken away'

say 'totals that are guesses, until the last page'
begin 250 4
paging '{"page":100,"guess":true}'
good
[ "$(people)" = 250 ] || fail "$(people) people"
begin 250 4 'quirks = scimgateway' # which says so: no need to look three times
paging '{"page":100,"guess":true}'
forget
good
[ "$(people)" = 250 ] || fail "$(people) people"
[ "$(seen '/Users?')" = 4 ] || fail "$(seen '/Users?') pages"

say 'totals that are of the page'
begin 237 4
paging '{"page":100,"total":"page"}'
forget
good
[ "$(people)" = 237 ] || fail "$(people) people"
[ "$(seen '/Users?')" = 4 ] || fail "$(seen '/Users?') pages"

say 'who is missing from a list is there all the same, as that record says'
begin 60 4
good
forget
good
[ "$(seen /Users/)" = 0 ] || fail 'somebody was asked for although nobody is missing'
admin /__hide '{"users":[7,8]}' >/dev/null
admin /__churn '{"from":8,"deactivate":1}' >/dev/null
good
open user00007 || fail 'user00007 was taken away'
gone user00008 || fail 'user00008 is disabled'
[ "$(seen /Users/)" = 2 ] || fail "$(seen /Users/) were asked for"
[ "$(people)" = 60 ] || fail "$(people) people"

say 'no clear answer about somebody: that one stays, and the log says who; the others are looked at'
id7=aaaaaaaa-0000-4000-8000-000000000007
admin /__churn '{"remove":2}' >/dev/null
for answer in '"kind":"status","status":403' '"kind":"status","status":400' '"kind":"status","status":500' \
  '"kind":"stout"' "\"kind\":\"says\",\"body\":{\"id\":\"${id7^^}\",\"userName\":\"user00007\"}"; do
  admin /__fault "{\"match\":\"/Users/$id7\",$answer}" >/dev/null
  good
  grep -q "user $id7" "$NS_TMP/log" || fail "$answer: the log does not say who"
  open user00007 || fail "$answer: user00007 was taken away"
  gone user00058 || fail "$answer: user00058 stays"
  admin /__churn '{"rename":"Another Name"}' >/dev/null
done
getent passwd user00000 | grep -q 'Another Name' || fail 'others are not read'

say 'no answer at all, or to nobody any more: nothing is removed'
admin /__churn '{"remove":1}' >/dev/null
for answer in '"kind":"status","status":401' '"kind":"status","status":429' '"kind":"drop"'; do
  admin /__fault "{\"match\":\"/Users/$id7\",$answer}" >/dev/null
  refused "$id7"
  open user00057 || fail "$answer: user00057 was taken away"
done
admin /__fault '{"match":"/Users/aaaaaaaa","kind":"status","status":410}' >/dev/null
good
gone user00007 && gone user00057 || fail 'who is gone stays'
begin 140 4
good
admin /__hide "{\"users\":[$(seq -s, 1 30)]}" >/dev/null
admin /__fault '{"match":"/Users/aaaaaaaa","kind":"status","status":500}' >/dev/null
refused 'HTTP 500'
admin /__fault '{"match":"/Users/aaaaaaaa","kind":"status","status":403}' >/dev/null
good
[ "$(people)" = 140 ] || fail "$(people) people"
[ "$(grep -c 'stays as it was' "$NS_TMP/log")" = 20 ] && grep -q 'warning.*and 10 more' "$NS_TMP/log" || fail 'the log names not 20, and how many more'
whole

say 'a group that is missing is asked for too'
begin 60 30
good
admin /__hide '{"groups":[3]}' >/dev/null
good
id -nG user00003 | grep -qw group003 || fail 'the group was taken away'
paging '{"page":100,"plain":"/Groups"}' # as the list had to be: without attributes=
good
if grep warning "$NS_TMP/log"; then fail 'asked for with attributes= though the list was not'; fi

say 'who is disabled is in no list any more: each is closed, however many they become'
begin 60 4
good
admin /__hide '{"users":[0,1,2,3,4,5,6,7]}' >/dev/null
admin /__churn '{"deactivate":8}' >/dev/null
good
gone user00000 && gone user00007 || fail 'who left stays'
admin /__hide '{"users":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]}' >/dev/null
admin /__churn '{"from":8,"deactivate":8}' >/dev/null
good
gone user00008 && gone user00015 || fail 'who left later stays'

say 'active people out of the scope of the list are there all the same'
admin /__hide '{"users":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,20,21,22,23,24,25,26]}' >/dev/null
forget
good
[ "$(seen /Users/)" = 23 ] || fail "$(seen /Users/) were asked for"
open user00020 && open user00026 || fail 'they were taken away'
[ "$(people)" = 60 ] || fail "$(people) people"

say 'those who were disabled long ago are no reason for the brake'
admin /__churn '{"from":40,"deactivate":20}' >/dev/null
good
admin /__churn '{"remove":20}' >/dev/null
good

say 'thousands who were disabled long ago: a thousand are asked for, the others stay'
begin 2300 4
paging '{"page":1000}'
admin /__churn '{"deactivate":2200}' >/dev/null
good
admin /__hide "{\"users\":[$(seq -s, 0 2199)]}" >/dev/null
forget
good
[ "$(seen /Users/)" = 1000 ] || fail "$(seen /Users/) were asked for"
[ "$(people)" = 2300 ] || fail "$(people) people"

say 'more than one sync may remove, but not too many to ask: the brake judges who is gone'
begin 60 4
good
admin /__churn '{"remove":10}' >/dev/null
forget
refused 'accept-removals'
[ "$(seen /Users/)" = 10 ] || fail "$(seen /Users/) were asked for"
open user00055 || fail 'the brake did not hold'

say 'too many to ask, which the brake holds anyway: nobody who is active is asked for'
begin 300 4
good
admin /__hide "{\"users\":[$(seq -s, 190 295)]}" >/dev/null # five of them disabled
forget
refused 'accept-removals'
[ "$(seen /Users/)" = 5 ] || fail "$(seen /Users/) were asked for"
open user00190 || fail 'the brake did not hold'
scimd 2>"$NS_TMP/log" &
SCIMD_PID=$!
tenacious 20 scimd_synced
admin /__churn '{"remove":10}' >/dev/null
r=0; scimctl sync --accept-removals --wait >/dev/null 2>&1 || r=$?
open user00190 || fail 'accepted removals are not looked at'
gone user00295 || fail 'accepted removals stay'
scimd_stop

say 'a directory that has groups no more'
for status in 404 501; do
  begin 60 4
  good
  admin /__fault "{\"match\":\"/Groups\",\"kind\":\"status\",\"status\":$status}" >/dev/null
  refused "groups: HTTP $status.*accept-removals"
  id -nG user00003 | grep -qw group003 || fail 'all groups are gone'
  scimd 2>"$NS_TMP/log" &
  SCIMD_PID=$!
  tenacious 20 scimd_synced
  scimctl sync --accept-removals --wait >/dev/null 2>"$NS_TMP/said" || fail "$(cat "$NS_TMP/said")"
  if id -nG user00003 | grep -qw group003; then fail 'accepted, but the groups are there'; fi
  scimd_stop
  rm -rf /var/lib/scimd/*
  good # it never had any
  [ "$(people)" = 60 ] || fail "$(people) people"
  whole
done

say 'cursors are used where they are offered, and where an answer has one'
for way in cursor cursor-only switch next-id; do
  case $way in next-id) begin 250 4 'quirks = sap' ;; *) begin 250 4 ;; esac
  case $way in
    cursor) paging '{"page":60,"way":"cursor","says":{"cursor":true,"index":true}}' ;;
    cursor-only) paging '{"page":60,"way":"cursor-only","says":{"cursor":true,"index":false}}' ;;
    *) paging "{\"page\":60,\"way\":\"$way\"}" ;;
  esac
  forget
  good
  [ "$(people)" = 250 ] || fail "$way: $(people) people"
  case $way in
    cursor*) [ "$(seen '/Users?startIndex')" = 0 ] || fail 'asked by number' ;;
    switch) [ "$(seen '/Users?startIndex')" = 1 ] || fail 'asked by number' ;;
    next-id) [ "$(seen '/Users?count=[0-9]*&startId')" = 5 ] || fail 'not in pages of 60' ;;
  esac
done

say 'cursors are offered, but refused or not heeded: by number, then'
for way in index index-only; do
  begin 250 4
  paging "{\"page\":60,\"way\":\"$way\",\"says\":{\"cursor\":true,\"index\":true}}"
  good
  [ "$(people)" = 250 ] || fail "$way: $(people) people"
done

say 'what was refused with a cursor is not asked for without attributes=, nor the other way round'
begin 250 4
paging '{"page":60,"way":"index-only","says":{"cursor":true,"index":true}}'
forget
good
[ "$(seen '/Users?startIndex=[0-9]*&count=[0-9]*&attributes=')" = 6 ] || fail 'without attributes='
paging '{"page":60,"way":"cursor","plain":"/Users","says":{"cursor":true,"index":true}}'
forget
good
[ "$(seen '/Users?startIndex=[0-9]*&count=[0-9]*"')" = 0 ] || fail 'without cursors'
[ "$(seen '/Users?count=[0-9]*&cursor=[^&"]*"')" = 5 ] || fail 'not by cursor'
paging '{"page":60,"way":"index-only","plain":"/Users","says":{"cursor":true,"index":true}}'
good
[ "$(people)" = 250 ] || fail "$(people) people"

begin 250 4 'page_size = 500'
paging '{"page":60,"way":"cursor","max":100,"says":{"cursor":true,"index":true}}'
forget
good
[ "$(seen '/Users?count=100&cursor=[^&"]*&attributes=')" = 5 ] || fail 'a smaller count was enough'

say 'a cursor does not slip: while people come, one walk is enough'
begin 250 4
paging '{"page":100,"way":"cursor","says":{"cursor":true},"come":9}'
good
[ "$(people)" = 251 ] || fail "$(people) people"
[ "$(seen '/Users?')" = 3 ] || fail "$(seen '/Users?') pages"
begin 250 4
paging '{"page":100,"way":"cursor","says":{"cursor":true},"gone":[200]}'
good
[ "$(people)" = 249 ] || fail "$(people) people"

begin 250 4 # whenever it is read, somebody goes who would have come later
paging '{"page":100,"way":"cursor","says":{"cursor":true},"gone":[200,200,200]}'
good
[ "$(people)" = 247 ] || fail "$(people) people"

say 'cursors that expired: the walk begins anew, a few times'
begin 250 4
paging '{"page":100,"way":"cursor-only","says":{"cursor":true,"index":false},"expire":2}'
good
[ "$(people)" = 250 ] || fail "$(people) people"
paging '{"page":100,"way":"cursor-only","says":{"cursor":true,"index":false},"expire":1000}'
refused 'cursor.*expired'

say 'cursors that lead nowhere'
for loop in self first; do
  paging "{\"page\":100,\"way\":\"cursor-only\",\"says\":{\"cursor\":true,\"index\":false},\"loop\":\"$loop\"}"
  refused 'leads back\|came twice'
done

say 'no paging at all'
begin 250 4 'quirks = google'
paging '{"way":"whole"}'
good
[ "$(people)" = 250 ] || fail "$(people) people"
[ "$(seen '/Users?startIndex')" = 0 ] || fail 'asked for pages'

say 'a page every so often is no sync: a walk has an end'
begin 300 1 'timeout = 1s'
paging '{"page":2,"ms":300}'
then=$SECONDS
refused 'took longer'
[ $((SECONDS - then)) -le 30 ] || fail "it went on for $((SECONDS - then)) s"
scim_stop
