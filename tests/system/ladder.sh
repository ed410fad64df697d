#!/usr/bin/env bash
# The ladder of memberships, for directories whose lists of groups have no members: GET of
# each group, then users by filter. What is no answer about a group empties no group, and
# a filter that is ignored makes nobody a member.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
. tests/system/lists.lib
ns_begin "$0"
groups() { admin /__groups "$1" >/dev/null; }
# Every 20th is disabled and in no group.
members() {
  local n
  n=$(getent group "$1" | cut -d: -f4 | tr , '\n' | grep -c '^user' || :)
  [ "$n" = "$2" ] || fail "$n members of $1, not $2"
}
by_filter='/Users?[^"]*filter=groups.value'

say 'GET of each group, whatever its members are called'
for ids in strings numbers; do
  list_begin 60 3 $ids
  groups "{\"bare\":true,\"numbers\":$([ $ids = numbers ] && echo true || echo false)}"
  good
  members group000 19
  members group001 19
  members group002 19
done

say 'GET of each group, where attributes= is refused, or taken at its word'
for way in plain literal; do
  list_begin 60 3
  groups "{\"bare\":true,\"literal\":$([ $way = literal ] && echo true || echo false)}"
  [ $way = literal ] || paging '{"plain":"/Groups"}'
  good
  members group000 19
done

say 'what is no answer about that group: the members stay'
for answer in '{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"oops"}' \
  '{"id":"bbbbbbbb-0000-4000-8000-000000000009","displayName":"another"}' '{}' '[]'; do
  groups "{\"bare\":true,\"answers\":$answer}"
  refused 'another resource'
  members group001 19
done
groups '{"bare":true,"answers":{},"code":404}'
refused '404'
members group001 19

say 'a group that is in the list alone: it stays, the others are read, and the log says which'
list_begin 60 3
groups '{"bare":true}'
good
groups '{"bare":true,"absent":[1]}'
admin /__churn '{"remove":3}' >/dev/null
good
grep -q 'warning.*group bbbbbbbb-0000-4000-8000-000000000001.*404' "$NS_TMP/log" || fail 'the log does not say which'
members group000 18
members group001 18
rm -rf /var/lib/scimd/*
good
members group000 18
members group001 0

say 'by filter: every page is read, though no total is said'
list_begin 250 1
groups '{"bare":"all","filter":"honoured"}'
paging '{"page":100,"total":"none"}'
good
members group000 238

say 'by filter: what is found is a member, though the own groups do not name all'
list_begin 60 3
groups '{"bare":"all","filter":"honoured","own":"others"}'
good
members group000 19

say 'by filter, with cursors: every page once'
for more in '' ',"total":"none"'; do
  list_begin 250 1
  groups '{"bare":"all","filter":"honoured"}'
  paging "{\"page\":100,\"way\":\"cursor\",\"says\":{\"cursor\":true}$more}"
  good
  members group000 238
  [ "$(seen "$by_filter")" = 4 ] || fail "$(seen "$by_filter") requests" # and one that must have no answer
done

say 'the same page again and again is no list of members'
list_begin 250 1
groups '{"bare":"all","filter":"honoured"}'
paging '{"page":100}'
good
paging '{"page":100,"stuck":true}'
refused 'members by filter'
members group000 238

say 'a filter that is ignored, and nobody says where they are'
list_begin 60 3
groups '{"bare":true}'
good
groups '{"bare":"all","filter":"ignored"}'
refused 'ignored'
members group001 19
rm -rf /var/lib/scimd/* # nothing is known that could be lost: people without groups, then
good
if id -nG user00001 | grep -q group; then fail 'members of every group'; fi
list_begin 60 3 # and those who say nothing are in none, where others say
groups '{"bare":"all","filter":"ignored","own":true}'
admin /__churn '{"add":1}' >/dev/null
good
members group000 19

say 'a filter that is ignored, but everybody says where they are'
list_begin 60 3
groups '{"bare":"all","filter":"ignored","own":true}'
good
members group000 19
members group001 19
members group002 19

say 'the members have a time of their own, which ends too'
list_begin 20 1
sed -i 's/^token = corp/&\ntimeout = 1s/' /etc/scimd/scimd.conf
groups '{"bare":true}'
admin /__fault '{"match":"/Groups/","kind":"status","status":503,"after":5}' >/dev/null
refused 'members of groups took longer than 12 s'
scim_stop
