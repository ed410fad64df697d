#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The HTTP layer by raw sockets and curl: what it refuses, deadlines, thousands of
# connections, memory, TLS and the change of its certificate.
set -uo pipefail
: "${BUILD:?}"
box=$(mktemp -d)
server=
stop() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null
  wait "$server"
}
trap 'stop; rm -rf "$box"' EXIT
echo_server=$BUILD/tests/directory/echo odd=$BUILD/tests/directory/odd
bad=0
ulimit -n "$(ulimit -Hn)"

fail() {
  echo "FAIL $*"
  bad=1
}

# start ARGS…: the port is in $port
start() {
  rm -f "$box/out"
  mkfifo "$box/out"
  "$echo_server" "$@" >"$box/out" &
  server=$!
  exec 3<"$box/out"
  read -r port <&3
}

# The server must have ended every request it began.
finish() {
  stop || fail "the server ended with $?: $*"
  server=
  exec 3<&-
}

many=$((($(ulimit -n) - 500) > 10000 ? 10000 : $(ulimit -n) - 500))

start 127.0.0.1:0 body_max=100000 total_ms=1500
"$odd" "$port" table || fail table
finish table

start 127.0.0.1:0 total_ms=2000 idle_ms=2000
[ "${NIGHTLY:-no}" = yes ] && slow=$many || slow=2000
"$odd" "$port" slow "$slow" || fail slow
finish slow

start 127.0.0.1:0 total_ms=60000
"$odd" "$port" wait "$many" "/wait?ms=60000" || fail wait
"$odd" "$port" leave 500 "/wait?ms=60000" || fail leave
finish wait

# A wait that is not prolonged ends at the deadline, with gone(), without an answer.
start 127.0.0.1:0 total_ms=500
code=$(curl -s -o "$box/o" -w '%{http_code}' -m 10 "http://127.0.0.1:$port/wait")
[ "$code" = 000 ] || fail "a wait beyond the deadline got $code"
curl -s "http://127.0.0.1:$port/counts" | grep -qx 'gone 1' || fail "gone was not called"
# Who takes an answer slowly has as long for all of it, however it is made.
for what in size stream; do
  curl -s -o "$box/o" -m 20 --limit-rate 20M "http://127.0.0.1:$port/$what/120000000"
  code=$?
  [ "$code" = 18 ] || [ "$code" = 56 ] || fail "a slow reader of /$what: curl says $code, not that it was cut off"
done
# What waits when the server ends is ended too.
curl -s -m 10 "http://127.0.0.1:$port/wait?ms=60000" &
waiter=$!
until curl -s "http://127.0.0.1:$port/counts" | grep -qx 'waiting 1'; do :; done
finish "with a request waiting"
wait "$waiter"

# Limits on connections.
start 127.0.0.1:0 connections=3
exec 5<>"/dev/tcp/127.0.0.1/$port" 6<>"/dev/tcp/127.0.0.1/$port" 7<>"/dev/tcp/127.0.0.1/$port"
curl -s -m 5 "http://127.0.0.1:$port/quick" >/dev/null && fail "a fourth connection of three"
exec 5>&- 6>&- 7>&-
until curl -s -m 5 "http://127.0.0.1:$port/quick" >/dev/null; do :; done
finish limit
start 127.0.0.1:0 per_address=2
exec 5<>"/dev/tcp/127.0.0.1/$port" 6<>"/dev/tcp/127.0.0.1/$port"
curl -s -m 5 "http://127.0.0.1:$port/quick" >/dev/null && fail "a third connection from one address"
curl -s -m 5 --interface 127.0.0.2 "http://127.0.0.1:$port/quick" >/dev/null || fail "another address"
exec 5>&- 6>&-
finish per-address

# Bodies: by length, by chunks, compressed at once and as they are sent, broken off.
start 127.0.0.1:0
u=http://127.0.0.1:$port
for n in 0 1023 1024 70000 262144 3000000; do
  want=$(curl -s "$u/size/$n" | tee "$box/plain" | sha256sum)
  [ "$(stat -c %s "$box/plain")" = "$n" ] || fail "size $n"
  for o in --compressed --http1.0 "--compressed --http1.0"; do
    # shellcheck disable=SC2086
    [ "$(curl -s $o "$u/size/$n" | sha256sum)" = "$want" ] || fail "size $n $o"
    # shellcheck disable=SC2086
    [ "$(curl -s $o "$u/stream/$n" | sha256sum)" = "$want" ] || fail "stream $n $o"
  done
done
for enc in 'gzip' 'br, GZIP;q=0.5' 'deflate,gzip'; do
  curl -si -H "Accept-Encoding: $enc" "$u/size/2000" -o "$box/o"
  grep -qi '^Content-Encoding: gzip' "$box/o" || fail "no gzip for $enc"
done
for enc in 'gzip;q=0' 'gzip; q=0.0' 'br' 'xgzip' ''; do
  curl -si -H "Accept-Encoding: $enc" "$u/size/2000" -o "$box/o"
  grep -qai '^Content-Encoding:' "$box/o" && fail "gzip for '$enc'"
done
curl -si "$u/quick" | grep -qi '^Server:' && fail "it names its version"
curl -s "$u/break" >/dev/null && fail "a broken stream looks whole"
printf 'x%.0s' {1..5000} >"$box/body"
curl -s -H 'Expect: 100-continue' --data-binary @"$box/body" "$u/echo" | grep -q '^body 5000' || fail expect
curl -s -H 'Transfer-Encoding: chunked' --data-binary @"$box/body" "$u/echo" | grep -q '^body 5000' || fail chunked
"$BUILD/tests/bench/load" -c 64 -n 5000 -m POST -b '{"n":%d}' -i 1-9999 127.0.0.1 "$port" /echo || fail load
"$BUILD/tests/bench/load" -c 64 -n 5000 127.0.0.1 "$port" /soon || fail "load, answered later"
finish bodies

# An answer for which there is no memory is not one without a body: the connection is broken.
cat >"$box/none.c" <<'END'
void *MHD_create_response_from_callback(void)
{
	return 0;
}
END
gcc -shared -fPIC -o "$box/none.so" "$box/none.c"
plain=$echo_server
printf '#!/bin/sh\nLD_PRELOAD=%s exec "%s" "$@"\n' "$box/none.so" "$plain" >"$box/none"
chmod +x "$box/none"
echo_server=$box/none
start 127.0.0.1:0
u=http://127.0.0.1:$port
[ "$(curl -s "$u/size/3000000" | wc -c)" = 3000000 ] || fail "without memory for streams: what needs none"
code=$(curl -s -o "$box/o" -w '%{http_code}' --compressed "$u/size/3000000")
[ "$code" = 000 ] || fail "without memory for streams: $code with $(stat -c %s "$box/o") bytes"
finish "without memory for streams"
echo_server=$plain

# Bodies that together are too much: what has arrived counts, not what was announced. A large
# one that comes too late is told when to come again, a small one is always taken.
start 127.0.0.1:0 body_max=100000
held=()
big=$(printf 'x%.0s' {1..99999}) large=$box/large
printf '%s' "${big:0:70000}" >"$large"
post() { curl -si -m 10 -H Expect: -H "$1" --data-binary "$2" "http://127.0.0.1:$port/echo" >"$box/o"; head -c 12 "$box/o" | tail -c 3; }
for ((i = 0; i < 32; i++)); do
  exec {fd}<>"/dev/tcp/127.0.0.1/$port"
  printf 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n' >&"$fd"
  read -rt 5 line <&"$fd"
  [[ $line == "HTTP/1.1 100"* ]] || fail "body $i of 32: $line"
  held+=("$fd")
done
for how in 'X: y' 'Transfer-Encoding: chunked'; do
  [ "$(post "$how" hello)" = 200 ] || fail "a small body ($how) beside what is only announced: $(cat "$box/o")"
  [ "$(post "$how" "@$large")" = 200 ] || fail "a large body ($how) beside what is only announced: $(head -c 300 "$box/o")"
done
for fd in "${held[@]}"; do printf '%s' "$big" >&"$fd"; done
for how in 'X: y' 'Transfer-Encoding: chunked'; do
  for ((i = 0; i < 200; i++)); do [ "$(post "$how" "@$large")" = 200 ] || break; done # until all of it is there
  grep -q '^HTTP/1.1 503' "$box/o" && grep -q '^Retry-After: 2' "$box/o" || fail "$how beyond what may be held: $(head -c 300 "$box/o")"
  [ "$(post "$how" hello)" = 200 ] || fail "a small body ($how) beside too much: $(cat "$box/o")"
done
for fd in "${held[@]}"; do exec {fd}>&-; done
for ((i = 0; i < 200; i++)); do [ "$(post 'X: y' "@$large")" != 200 ] || break; done
[ "$i" -lt 200 ] || fail "a large body after all of that: $(head -c 300 "$box/o")"
finish held

# Addresses.
refused() {
  local text
  text=$("$echo_server" "$@" 2>&1 </dev/null)
  [ $? = 2 ] && [ -n "$text" ] || fail "$* was not refused: $text"
  echo "$text"
}
refused 0.0.0.0:0 | grep -q 'not a loopback' || fail "0.0.0.0 without TLS"
refused '[::]:0' | grep -q 'not a loopback' || fail "[::] without TLS"
refused 192.0.2.1:0 | grep -q 'not a loopback' || fail "192.0.2.1 without TLS"
for a in localhost 127.0.0.1 127.0.0.1: 127.0.0.1:70000 127.0.0.1:x '[::1:0' ::1:0 ''; do
  refused "$a" | grep -q 'is not an address and a port' || fail "address '$a'"
done
refused 127.0.0.1:0 "cert=$box/none.pem" | grep -q together || fail "certificate without key"
refused 127.0.0.1:0 "cert=$box/none.pem" "key=$box/none.key" | grep -q none.pem || fail "missing certificate"

# TLS with a CA of our own, and a certificate that is changed.
ca() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$box/$1.key" \
    -out "$box/$1.pem" 2>/dev/null
}
leaf() { # leaf CA NAME: NAME.pem and NAME.key
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$box/$2.key" -out "$box/$2.csr" 2>/dev/null
  openssl x509 -req -in "$box/$2.csr" -CA "$box/$1.pem" -CAkey "$box/$1.key" -CAcreateserial -days 2 \
    -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$box/$2.pem" 2>/dev/null
}
ca one; ca two; leaf one first; leaf two second
cp "$box/first.pem" "$box/tls.pem"
cp "$box/first.key" "$box/tls.key"
start 0.0.0.0:0 "cert=$box/tls.pem" "key=$box/tls.key" total_ms=2000
u=https://127.0.0.1:$port
get() { curl -s -o "$box/o" -w '%{http_code}' -m 10 "$@"; }
[ "$(get --cacert "$box/one.pem" "$u/size/500000")" = 200 ] || fail "TLS"
[ "$(stat -c %s "$box/o")" = 500000 ] || fail "TLS: size"
[ "$(get --cacert "$box/two.pem" "$u/quick")" = 000 ] || fail "TLS: another CA"
[ "$(get --cacert "$box/one.pem" --tlsv1.2 --tls-max 1.2 "$u/quick")" = 200 ] || fail "TLS 1.2"
openssl s_client -connect "127.0.0.1:$port" -tls1_1 -cipher 'ALL:@SECLEVEL=0' </dev/null >"$box/s" 2>&1
grep -q 'Cipher is (NONE)\|no protocols available\|alert' "$box/s" || fail "TLS 1.1"
[ "$(get --cacert "$box/one.pem" --data-binary @<(head -c 2000000 /dev/zero) -H Expect: \
  -H 'Transfer-Encoding: chunked' "$u/echo")" = 413 ] || echo "413 over TLS was overtaken by the reset"
exec 5<>"/dev/tcp/127.0.0.1/$port" # a handshake that never comes
# One connection lives through the change; curl asks again when told to.
mkfifo "$box/more"
openssl s_client -quiet -connect "127.0.0.1:$port" <"$box/more" >"$box/kept" 2>/dev/null &
kept=$!
exec 6>"$box/more"
printf 'GET /quick HTTP/1.1\r\nHost: x\r\n\r\n' >&6
until grep -qa '200 OK' "$box/kept"; do kill -0 "$kept" || break; done
cp "$box/second.pem" "$box/tls.pem" # does not go with the key
kill -HUP "$server"
read -r line <&3
[[ $line == reload:* ]] || fail "a certificate without its key was taken: $line"
[ "$(get --cacert "$box/one.pem" "$u/quick")" = 200 ] || fail "after a failed reload"
cp "$box/second.key" "$box/tls.key"
kill -HUP "$server"
read -r line <&3
[ "$line" = reloaded ] || fail "reload: $line"
[ "$(get --cacert "$box/two.pem" "$u/quick")" = 200 ] || fail "after the reload"
[ "$(get --cacert "$box/one.pem" "$u/quick")" = 000 ] || fail "the old certificate after the reload"
printf 'GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&6
wait "$kept"
exec 6>&-
grep -qa '204 No' "$box/kept" || fail "the old connection after the reload"
timeout 10 cat <&5 >/dev/null || fail "a handshake that never came was kept"
exec 5>&-
finish TLS
exit $bad
