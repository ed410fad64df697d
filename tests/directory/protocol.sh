#!/usr/bin/env bash
# scim-directory over real sockets: the request sequences of identity providers
# (sequences/*.json), what the protocol asks for, and a restart in between.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
directory() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
write=$(directory token create --name write --scope write)
read=$(directory token create --name read --scope read)

start() {
  : >"$box/log" # what the last one said is no sign of this one
  "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
  server=$!
  until grep -q '^scimd: serving\|serving .* on port' "$box/log"; do
    kill -0 "$server" || { cat "$box/log" >&2; exit 1; }
    read -rt 0.02 <> <(:) || :
  done
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
}
stop() {
  kill "$server"
  wait "$server" || { echo "serve ended with $?" >&2; exit 1; }
  server=
}

start
node "$SRC/tests/directory/sequences.mjs" "http://127.0.0.1:$port/scim/v2" "$write" "$read" "$SRC"/tests/directory/sequences/*.json
stop
# A poll that waits is answered by the next change, through HTTP or the command line.
start
api=http://127.0.0.1:$port/scim/v2
poll() { curl -sf -m 20 --noproxy '*' -H "Authorization: Bearer $read" -H 'Content-Type: application/json' "$api/Events/waiter" -d "$1"; }
poll '{"returnImmediately":true}' >/dev/null
for how in http local; do
  poll '{}' >"$box/poll" &
  waiting=$!
  until curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/metrics" | grep -q '^scim_directory_polls_waiting 1'; do read -rt 0.02 <> <(:) || :; done
  before=$(date +%s%N)
  if [ $how = http ]; then
    curl -sf -o /dev/null --noproxy '*' -H "Authorization: Bearer $write" -H 'Content-Type: application/scim+json' "$api/Users" -d '{"userName":"by-http"}'
  else
    directory user add by-hand
  fi
  wait "$waiting"
  echo "a waiting poll was answered $((($(date +%s%N) - before) / 1000000)) ms after a change ($how)"
  jti=$(sed -n 's/^{"sets":{"\([^"]*\)".*/\1/p' "$box/poll")
  [ -n "$jti" ] || { echo "no event in: $(cat "$box/poll")" >&2; exit 1; }
  poll "{\"ack\":[\"$jti\"],\"returnImmediately\":true}" | grep -q '"sets":{}'
done
# One that waits ends with its token: revoked, revoked just before something happens, expired.
polled() { curl -s -m 20 -o "$box/poll" -D "$box/head" -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $2" -H 'Content-Type: application/json' "$api/Events/$1" -d "$3"; }
for how in revoked late expired; do
  expires=()
  [ $how != expired ] || expires=(--expires "$(date -u -d '+3 seconds' +%FT%TZ)")
  secret=$(directory token create --name "ends-$how" --scope read "${expires[@]}")
  [ "$(polled "ends-$how" "$secret" '{"returnImmediately":true}')" = 200 ]
  polled "ends-$how" "$secret" '{}' >"$box/code" &
  waiting=$!
  until curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/metrics" | grep -q '^scim_directory_polls_waiting 1'; do read -rt 0.02 <> <(:) || :; done
  before=$(date +%s%N)
  [ $how = expired ] || directory token revoke "ends-$how"
  [ $how != late ] || directory user add by-nobody
  wait "$waiting"
  [ "$(cat "$box/code")" = 401 ] && ! grep -q '"sets"' "$box/poll" || { echo "$how: $(cat "$box/code" "$box/poll")" >&2; exit 1; }
  grep -qi '^www-authenticate: Bearer' "$box/head"
  echo "a waiting poll ended $((($(date +%s%N) - before) / 1000000)) ms later ($how)"
done
# Nor is anything written for a token that was revoked after the head of the request: while
# the body was on its way, or while the write waited for its turn. `sync` holds whoever
# revokes in the midst of the commit, where the server can only wait.
cat >"$box/sync.c" <<'END'
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int fdatasync(int fd)
{
	static int held;

	if (!held++) {
		close(open(getenv("HELD"), O_WRONLY)); // both are pipes: as long as nobody is at the other end
		close(open(getenv("GO"), O_RDONLY));
	}
	return fsync(fd);
}
END
gcc -O1 -shared -fPIC -o "$box/sync.so" "$box/sync.c"
mkfifo "$box/held" "$box/go"
body='{"userName":"too-late"}'
for how in body turn; do
  secret=$(directory token create --name "late-$how" --scope write)
  exec 5<>"/dev/tcp/127.0.0.1/$port"
  printf 'POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' "$secret" "${#body}" >&5
  seen() { for _ in 1 2 3; do curl -sf -o /dev/null --noproxy '*' -H "Authorization: Bearer $read" "$api/Users?count=0"; done; } # who came first was heard first
  seen
  if [ $how = body ]; then
    directory token revoke "late-$how"
    printf '%s' "$body" >&5
  else
    LD_PRELOAD=$box/sync.so HELD=$box/held GO=$box/go directory token revoke "late-$how" &
    revoking=$!
    : <"$box/held"
    printf '%s' "$body" >&5
    seen
    : >"$box/go"
    wait "$revoking"
  fi
  timeout 20 cat <&5 >"$box/answer"
  exec 5>&-
  grep -q '^HTTP/1.1 401 ' "$box/answer" || { echo "revoked before its $how: $(cat "$box/answer")" >&2; exit 1; }
  grep -qi '^www-authenticate: Bearer' "$box/answer"
done
[ "$(directory user list | grep -c too-late)" = 0 ] || { echo "a token that was revoked wrote" >&2; exit 1; }
stop
# What was answered is there after a restart, and the chain of the audit log is whole.
users=$(directory --no-legend user list | wc -l)
start
seen=$(curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users?count=0" | sed 's/.*"totalResults":\([0-9]*\).*/\1/')
[ "$users" = "$seen" ] || { echo "$users users in the store, $seen served" >&2; exit 1; }
# The command line works beside the server, and the server sees it at once.
directory user add late
[ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users?filter=userName%20eq%20%22late%22")" = 200 ]
directory --json user show late | grep -q '"userName":"late"'
directory user disable late
directory --json user show late | grep -q '"active":false'
directory token list | grep -q "^[0-9a-f]* *read  *read .* 20..-..-..T[^ ]*$" || { echo "no last use:" >&2; directory token list >&2; exit 1; }
directory token revoke read
[ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/scim/v2/Users")" = 401 ]
directory audit --verify
stop
# Where it listens on every address, locations lead to this machine by its name, or to url.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=any -keyout "$box/any.key" -out "$box/any.pem" 2>/dev/null
for case in '[::]:0 ' '0.0.0.0:0 ' '[::]:0 https://id.example.com/scim/v2'; do
  listen=${case% *} url=${case#* }
  printf '[server]\nlisten = %s\nstate_dir = %s/state\ntls_cert = %s/any.pem\ntls_key = %s/any.key\n%s\n' "$listen" "$box" "$box" "$box" "${url:+url = $url}" >"$box/conf"
  start
  want=${url:-https://$(uname -n):$port/scim/v2}
  curl -sfk --noproxy '*' -H "Authorization: Bearer $write" "https://127.0.0.1:$port/scim/v2/Users?count=1" | grep -q "\"location\":\"$want/Users/" || { echo "$case: no $want" >&2; exit 1; }
  stop
done
