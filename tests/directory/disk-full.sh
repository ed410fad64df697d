#!/usr/bin/env bash
# Not one byte is free: scim-directory refuses writes with 507 and leaves nothing of them,
# reads go on, and disabling or deleting a user still works, over HTTP, in a Bulk and by
# the command line, for the reserve is kept for that. With room again all is as before.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
ip link set lo up
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; umount -l "$box/disk" 2>/dev/null; rm -rf "$box"' EXIT
mkdir "$box/disk"
mount -t tmpfs -o size=24m tmpfs "$box/disk"
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/disk/state\n' "$box" >"$box/conf"
directory() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
token=$(directory token create --name disk --scope write)
start() {
  : >"$box/log" # what the last one said is no sign of this one
  "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
  server=$!
  until grep -q 'on port' "$box/log"; do
    kill -0 "$server" || { cat "$box/log" >&2; exit 1; }
    read -rt 0.02 <> <(:) || :
  done
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
}
fail() { echo "$*" >&2; tail -n 20 "$box/log" >&2; exit 1; }
# call METHOD PATH [BODY]: the status; the body is in $box/out
call() {
  curl -s -m 20 -o "$box/out" -w '%{http_code}' --noproxy '*' -X "$1" -H "Authorization: Bearer $token" \
    -H 'Content-Type: application/scim+json' ${3:+-d "$3"} "http://127.0.0.1:$port/scim/v2$2"
}
want() { # want STATUS METHOD PATH [BODY]
  local got
  got=$(call "${@:2}")
  [ "$got" = "$1" ] || fail "$2 $3: $got, not $1: $(cat "$box/out")"
}
id() { want 200 GET "/Users?filter=userName%20eq%20%22$1%22&attributes=id"; sed -n 's/.*"id":"\([^"]*\)".*/\1/p' "$box/out"; }
total() { want 200 GET '/Users?count=0'; sed 's/.*"totalResults":\([0-9]*\).*/\1/' "$box/out"; }
free() { stat -f -c %a "$box/disk"; }
fill() { dd if=/dev/zero of="$box/disk/filler" oflag=append conv=notrunc bs=4096 status=none 2>/dev/null || [ "$(free)" = 0 ]; }
inactive() { want 200 GET '/Users?filter=active%20eq%20false&count=0'; sed 's/.*"totalResults":\([0-9]*\).*/\1/' "$box/out"; }
off='{"Operations":[{"op":"replace","path":"active","value":false}]}'
big=$(printf 'x%.0s' {1..3000})

awk 'BEGIN { print "["; for (i = 0; i < 600; i++) printf "%s{\"userName\":\"u%d\",\"title\":\"t\"}\n", i ? "," : "", i; print "]" }' >"$box/people.json"
directory --quiet import "$box/people.json"
start
want 200 GET '/Users?count=1000&attributes=userName,id'
grep -o '"id":"[^"]*"' "$box/out" | cut -d'"' -f4 >"$box/ids"
[ "$(wc -l <"$box/ids")" = 600 ]
want 200 POST /Events/host '{"returnImmediately":true}'
[ "$(stat -c %s "$box/disk/state/private/reserve")" -ge 1048576 ] || fail "no reserve"

echo "# full: writes are refused and leave nothing"
fill
# What the store has free of itself is used up, too.
for n in $(seq 1 400); do
  code=$(call POST /Users "{\"userName\":\"more$n\",\"title\":\"$big\"}")
  fill
  case $code in 201) ;; 507) break ;; *) fail "POST: $code $(cat "$box/out")" ;; esac
done
[ "$code" = 507 ] || fail "the disk is never full"
users=$(total)
want 507 POST /Users "{\"userName\":\"late\",\"title\":\"$big\"}"
want 507 PATCH "/Users/$(sed -n 1p "$box/ids")" "{\"Operations\":[{\"op\":\"replace\",\"path\":\"title\",\"value\":\"$big\"}]}"
want 507 POST /Groups "{\"displayName\":\"g\",\"externalId\":\"$big\"}"
bulk=$(for i in 1 2 3 4 5 6; do printf '%s{"method":"POST","path":"/Users","bulkId":"b%d","data":{"userName":"bulk%d","title":"%s"}}' "$([ $i = 1 ] || echo ,)" $i $i "$big"; done)
want 507 POST /Bulk "{\"Operations\":[$bulk]}"
[ "$(total)" = "$users" ] || fail "$(total) users, not $users"
[ -e "$box/disk/state/private/reserve" ] || fail "the reserve was spent on something else"

echo "# full: reads go on"
want 200 GET "/Users/$(sed -n 1p "$box/ids")"
grep -q '"title":"t"' "$box/out" || fail "half of a PATCH is there: $(cat "$box/out")"
want 200 GET '/Users?count=1000'
want 200 GET '/Groups'
want 200 POST /Events/host '{"returnImmediately":true}'

echo "# full: three hundred are disabled, one by one and together, ten are deleted"
[ "$(inactive)" = 0 ]
for n in $(seq 1 40); do want 200 PATCH "/Users/$(sed -n ${n}p "$box/ids")" "$off"; done
"$BUILD/tests/bench/load" -H "Authorization: Bearer $token" -H 'Content-Type: application/scim+json' -m PATCH -b "$off" -c 8 -n 8 127.0.0.1 "$port" "/scim/v2/Users/$(sed -n 41p "$box/ids")" >/dev/null
want 200 PUT "/Users/$(sed -n 42p "$box/ids")" '{"userName":"u41","active":false}'
ops=$(sed -n 43,299p "$box/ids" | awk -v off="$off" '{ printf "%s{\"method\":\"PATCH\",\"path\":\"/Users/%s\",\"data\":%s}", (NR > 1 ? "," : ""), $1, off }')
want 200 POST /Bulk "{\"Operations\":[$ops]}"
directory user disable "$(sed -n 300p "$box/ids")"
[ "$(inactive)" = 300 ] || fail "$(inactive) are disabled, not 300"
for n in $(seq 301 310); do want 204 DELETE "/Users/$(sed -n ${n}p "$box/ids")"; done
want 404 GET "/Users/$(sed -n 301p "$box/ids")"
want 200 POST /Events/host '{"returnImmediately":true,"maxEvents":1000}'
# A host that acknowledges them learns of the next.
acks=$(grep -o '"[0-9a-f]\{16\}-[0-9]*":' "$box/out" | tr -d : | paste -sd,)
want 200 POST /Events/host "{\"ack\":[$acks],\"returnImmediately\":true}"
directory audit --verify >/dev/null

echo "# the same after a restart on the full disk"
kill "$server"; wait "$server"; server=
start
[ "$(inactive)" = 300 ]
want 200 PATCH "/Users/$(sed -n 311p "$box/ids")" "$off"

echo "# room again: writes go on, and the reserve is made again"
rm "$box/disk/filler"
want 201 POST /Users '{"userName":"again"}'
until [ "$(stat -c %s "$box/disk/state/private/reserve" 2>/dev/null || echo 0)" -ge 1048576 ]; do
  [ "$SECONDS" -lt 120 ] || fail "the reserve is not made again"
  read -rt 0.1 <> <(:) || :
done
fill
want 200 PATCH "/Users/$(sed -n 312p "$box/ids")" "$off"
directory audit --verify >/dev/null
kill "$server"; wait "$server"; server=
