#!/bin/bash
# SPDX-License-Identifier: MIT
#
# directory.sh BUILD_DIR: scim-directory with 100,000 people in 1,000 groups and in one
# group of all, beside the SCIMMY server of tests/realscim with the same people, in one
# run: each is asked alone, by one process of tests/bench/load, so that on two cores the
# server has one and the asking the other. SCIMMY is asked less often for what it is slow
# at; the ratio is of requests per second. The store lies on BUILD_DIR's file system,
# which should be a disk's. Private mount, pid and network namespaces; needs root, node
# and what `npm ci` puts into tests/realscim.
set -eu -o pipefail
build=$(realpath "${1:?usage: directory.sh BUILD_DIR}")
if [ "${2:-}" != inside ]; then
  exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0" "$build" inside
fi
cd "$(dirname "$0")/../.."
ip link set lo up
ulimit -n "$(ulimit -Hn)"
disk=$(mktemp -d "$build/bench-directory.XXXXXX")
server='' scimmy=''
stop() { [ -z "$server" ] || { kill "$server" && wait "$server"; }; server=''; }
trap 'stop; [ -z "$scimmy" ] || kill "$scimmy"; rm -rf "$disk"' EXIT
users=${USERS:-100000} groups=${GROUPS_N:-1000} polls=${POLLS:-10000}
more=4000 # people that are in no group yet
over=0
row() { # row WHAT VALUE limit|least BOUND UNIT
  local verdict
  verdict=$(awk -v v="$2" -v l="$4" -v at_least="$([ "$3" = least ] && echo 1 || echo 0)" \
    'BEGIN { print (v != "" && (at_least ? v >= l : v <= l)) ? "ok" : "over" }')
  [ "$verdict" = ok ] || over=1
  printf '%-52s %8s  %s %6s %-9s %s\n' "$1" "$2" "$3" "$4" "$5" "$verdict"
}
beside() { printf '%-52s %8s  %-12s %s\n' "$1" "$2" "" "$3"; }
wait_for() { until "$@" >/dev/null 2>&1; do read -rt 0.02 <> <(:) || :; done; }
uuid=00000000-0000-4000-8000-

# The same attributes as server-scimmy.mjs gives, in import's form.
people() {
  awk -v users="$users" -v groups="$groups" -v more="$more" -v uuid="$uuid" '
  function ref(i) { return "{\"value\":\"" sprintf("%s%012d", uuid, i + 1) "\"}" }
  BEGIN {
    print "["
    for (i = 0; i < users + more; i++)
      printf "{\"id\":\"%s%012d\",\"userName\":\"user%05d\",\"externalId\":\"ext-%d\",\"name\":{\"givenName\":\"Ana María\",\"familyName\":\"van der Berg\",\"formatted\":\"Ana María van der Berg\"},\"displayName\":\"Ana María van der Berg\",\"active\":%s,\"emails\":[{\"value\":\"user%05d@example.test\",\"type\":\"work\",\"primary\":true}],\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"employeeNumber\":\"%d\",\"department\":\"Dept %d\"},\"urn:scimd:params:scim:schemas:extension:posix:1.0:User\":{\"uidNumber\":%d,\"gecos\":\"Ana María van der Berg\",\"homeDirectory\":\"/home/user%05d\",\"loginShell\":\"/bin/bash\",\"sshPublicKeys\":[{\"value\":\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG%042d user%05d\"}]}},\n",
        uuid, i + 1, i, i, i % 20 != 19 ? "true" : "false", i, 70000 + i, i % 9, 200000 + i, i, i, i
    for (j = 0; j < groups; j++) {
      list = ""
      for (i = j; i < users; i += groups) list = list (list == "" ? "" : ",") ref(i)
      for (i = (j + groups - 1) % groups; i < users; i += groups) if (i % 3 == 0) list = list "," ref(i)
      printf "{\"displayName\":\"group%03d\",\"members\":[%s]},\n", j, list
    }
    printf "{\"id\":\"%s%012d\",\"displayName\":\"ten\",\"members\":[", uuid, 900010
    for (i = 0; i < 10; i++) printf "%s%s", i ? "," : "", ref(i)
    printf "]},\n{\"id\":\"%s%012d\",\"displayName\":\"everyone\",\"members\":[", uuid, 900099
    for (i = 0; i < users; i++) printf "%s%s", i ? "," : "", ref(i)
    print "]}\n]"
  }'
}

conf() { printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$disk"; printf '%s\n' "$@"; }
directory() { "$build/root/usr/sbin/scim-directory" --config "$disk/conf" "$@"; }
start() { # start [LINE…]: the server anew
  conf "$@" >"$disk/conf"
  "$build/root/usr/sbin/scim-directory" --config "$disk/conf" serve 2>"$disk/log" &
  server=$!
  wait_for grep -q 'on port' "$disk/log"
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$disk/log")
}
memory() { awk -v what="$1:" '$1 == what { printf "%.1f", $2 / 1024 }' "/proc/$server/status"; } # MiB
load() { # load PORT TOKEN PATH OPTIONS…
  local port=$1 token=$2 path=$3
  shift 3
  "$build/tests/bench/load" -H "Authorization: Bearer $token" -H 'Content-Type: application/scim+json' "$@" 127.0.0.1 "$port" "$path" ||
    { echo "load $* $path: failed" >&2; exit 1; }
}
rate() { awk '{ print $1 }' <<<"$1"; }
p99() { sed 's/.*p99 \([0-9.]*\) ms.*/\1/' <<<"$1"; }
bandwidth() { sed 's/.* \([0-9.]*\) MB.*/\1/' <<<"$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }

conf >"$disk/conf"
people >"$disk/people.json"
began=$(date +%s%N)
directory --quiet import "$disk/people.json"
beside "import of $((users + more)) users, $((groups + 2)) groups" "$((($(date +%s%N) - began) / 1000000))" ms
beside "the store after it" "$(($(stat -c %s "$disk/state/private/data.mdb") >> 20))" MiB
token=$(directory token create --name bench --scope write)

# ------------------------------------------------------------ beside SCIMMY
node tests/realscim/server-scimmy.mjs --port 0 --quiet --users "$users" --groups "$groups" --everyone --ids int \
  --posix --token secret >"$disk/scimmy.log" 2>&1 &
scimmy=$!
wait_for grep -q '^READY' "$disk/scimmy.log"
theirs=$(sed -n 's/^READY http:..127.0.0.1:\([0-9]*\).*/\1/p' "$disk/scimmy.log")
load "$theirs" secret /scim/v2/Users/%d -i "1-$users" -r -n 500 >/dev/null # warm
get_theirs=$(load "$theirs" secret /scim/v2/Users/%d -i "1-$users" -r -n 4000 -w 60)
find_theirs=$(load "$theirs" secret '/scim/v2/Users?filter=userName%20eq%20%22user0%d%22' -i 1000-9999 -r -c 4 -n 8 -w 120)
kill "$scimmy"
wait "$scimmy" || :
scimmy=''

start
load "$port" "$token" "/scim/v2/Users/$uuid%D" -i "1-$users" -r -n 20000 >/dev/null
get=$(load "$port" "$token" "/scim/v2/Users/$uuid%D" -i "1-$users" -r -n 200000)
find=$(load "$port" "$token" '/scim/v2/Users?filter=userName%20eq%20%22user0%d%22' -i 1000-9999 -r -n 100000)
row "GET by id ($(rate "$get")/$(rate "$get_theirs") 1/s, 64 connections)" "$(ratio "$(rate "$get")" "$(rate "$get_theirs")")" least 30 "x SCIMMY"
row "GET by id, p99" "$(p99 "$get")" limit 5 ms
row "filter=userName eq ($(rate "$find")/$(rate "$find_theirs") 1/s)" "$(ratio "$(rate "$find")" "$(rate "$find_theirs")")" least 30 "x SCIMMY"
row "filter=userName eq, p99" "$(p99 "$find")" limit 5 ms

# ------------------------------------------------------------------ writes
post=$(load "$port" "$token" /scim/v2/Users -m POST -n 10000 -i 1-10000 \
  -b '{"userName":"new%d","displayName":"New %d","name":{"givenName":"N","familyName":"%d"},"emails":[{"value":"new%d@example.test","type":"work"}]}')
patch=$(load "$port" "$token" "/scim/v2/Users/$uuid%D" -m PATCH -n 10000 -i "1-$users" -r \
  -b '{"Operations":[{"op":"replace","path":"title","value":"T %d"}]}')
row "POST of a user, durable, 64 connections" "$(rate "$post")" least 2000 1/s
row "PATCH of a user, durable, 64 connections" "$(rate "$patch")" least 2000 1/s

# ------------------------------------------------------------------- lists
beside "the most memory that was resident so far" "$(memory VmHWM)" MiB
stop
start
list=$(load "$port" "$token" '/scim/v2/Users?count=1000&startIndex=%d' -c 1 -i "1-$users" -s 1000 -n "$((users / 1000))")
row "full list, count=1000 ($((users / 1000)) pages, one connection)" "$(bandwidth "$list")" least 100 MB/s
row "the most memory that was resident for it" "$(memory VmHWM)" limit 128 MiB

# ----------------------------------------------------------------- members
add='{"Operations":[{"op":"add","path":"members","value":[{"value":"'$uuid'%D"}]}]}'
[ "$(curl -s -o /dev/null -w '%{http_code}' -X PATCH -H "Authorization: Bearer $token" -H 'Content-Type: application/scim+json' \
  "http://127.0.0.1:$port/scim/v2/Groups/${uuid}000000900099" -d "${add/\%D/$(printf %012d $((users + 1)))}")" = 204 ]
from=$((users + 2))
for c in 1 64; do
  n=$((c == 1 ? 400 : 1500))
  small=$(load "$port" "$token" "/scim/v2/Groups/${uuid}000000900010" -m PATCH -c $c -n $n -i $from-$((from + n - 1)) -b "$add")
  large=$(load "$port" "$token" "/scim/v2/Groups/${uuid}000000900099" -m PATCH -c $c -n $n -i $from-$((from + n - 1)) -b "$add")
  row "member to $users / to 10, $c conn. ($(rate "$large")/$(rate "$small") 1/s)" \
    "$(awk -v a="$(rate "$small")" -v b="$(rate "$large")" 'BEGIN { printf "%.2f", a / b }')" limit 2 x
  from=$((from + n))
done
stop

# ----------------------------------- the memory of what reads the whole directory
# own PID COMMAND…: the most RssAnon of that process, in MiB, while COMMAND runs; with -
# as PID, of COMMAND itself.
own() {
  local pid=$1 job now most=0
  shift
  "$@" >"$disk/out" 2>&1 &
  job=$!
  [ "$pid" != - ] || pid=$job
  while kill -0 $job 2>/dev/null; do
    now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || :
    [ "${now:-0}" -le "$most" ] || most=$now
    read -rt 0.01 <> <(:) || :
  done
  wait $job || { head -c 500 "$disk/out" >&2; exit 1; }
  echo $((most / 1024))
}
ask() { curl -sSf --noproxy '*' -o "$disk/answer" -H "Authorization: Bearer $token" -H 'Content-Type: application/scim+json' "http://127.0.0.1:$port$1" "${@:2}"; }
costs() { # WHAT COMMAND…: of the server, anew
  start
  row "own memory: $1" "$(own "$server" "${@:2}")" limit 128 MiB
  stop
}
costs "a filter that no index answers" ask '/scim/v2/Users?count=1000&filter=displayName%20co%20%22zz%22'
costs "98,800 of them sorted by a name, count=1000" ask '/scim/v2/Users?count=1000&sortBy=name.familyName&filter=active%20eq%20true%20and%20displayName%20co%20%22Ana%22'
costs "the group of all" ask "/scim/v2/Groups/${uuid}000000900099"
bulk() {
  local i
  for i in $(seq 1000); do printf '%s{"method":"POST","path":"/Users","bulkId":"b%s","data":{"userName":"bulk%s"}}' "$([ "$i" = 1 ] || echo ,)" "$i" "$i"; done |
    sed 's/^/{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[/; s/$/]}/'
}
bulk >"$disk/bulk"
costs "a Bulk of 1000" ask /scim/v2/Bulk -X POST --data-binary "@$disk/bulk"
costs "the page" ask /
costs "metrics" ask /metrics
for command in export "backup $disk/backup" "audit --verify" "user list"; do
  # shellcheck disable=SC2086
  row "own memory: scim-directory ${command%% /*}" "$(own - "$build/root/usr/sbin/scim-directory" --config "$disk/conf" $command)" limit 128 MiB
done

# -------------------------------------------------------------- long polls
# waiting [OPTION]: that many polls, what they cost, and when a change was with all of them.
# Receivers of their own each time: who has not acknowledged something does not wait.
waiting() {
  local asking before
  load "$port" "$token" "/scim/v2/Events/host${1:-}%d" -m POST -b '{"ack":["none"],"urn:scimd:report":{"host":"host%d"}}' -i "1-$polls" -c "$polls" -n "$polls" -w 120 "$@" >"$disk/polls" &
  asking=$!
  wait_for polls_wait "${1:-}"
  at_once=$(memory VmRSS) before=$SECONDS
  # The pages that their coming has touched are let go when it is at rest, within 20 s.
  wait_for rested
  resident=$(memory VmRSS) own=$(memory RssAnon)
  before=$(date +%s%N)
  curl -skf --noproxy '*' -o /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/scim+json' \
    "http${1:+s}://127.0.0.1:$port/scim/v2/Users" -d "{\"userName\":\"news${1:-}\"}"
  wait "$asking"
  delivered=$(awk -v b="$before" '{ printf "%.0f", $NF * 1000 - b / 1000000 }' "$disk/polls")
}
rested() { [ $((SECONDS - before)) -gt 25 ] || awk '/^RssFile/ { exit !($2 < 24000) }' "/proc/$server/status"; }
polls_wait() {
  kill -0 "$asking" || exit 1
  curl -skf --noproxy '*' -H "Authorization: Bearer $token" "http${1:+s}://127.0.0.1:$port/metrics" |
    grep -qx "scim_directory_polls_waiting $polls"
}
start
waiting
row "$polls waiting polls, resident" "$resident" limit 100 MiB
beside "of it the server's own, not the store's pages" "$own" MiB
beside "resident just when the last one began to wait" "$at_once" MiB
row "a change with all of $polls" "$delivered" limit 1000 ms
stop
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench -keyout "$disk/key" -out "$disk/cert" 2>/dev/null
# That many handshakes at once may take longer than a request may.
start "tls_cert = $disk/cert" "tls_key = $disk/key" "request_timeout = 10min"
waiting -t
beside "$polls waiting polls over its own TLS, resident" "$resident" MiB
beside "a change with all of $polls over its own TLS" "$delivered" ms
stop
exit $over
