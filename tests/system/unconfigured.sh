#!/usr/bin/env bash
# A host on which nothing is configured yet, where systemd holds the socket: whoever asks
# is told what to do, by one scimd that ends when nobody asks any longer and has made
# nothing; configured meanwhile it is a failure, so that systemd starts it anew.
set -euo pipefail
cd "$SRC"
command -v systemd-socket-activate >/dev/null || { echo 'systemd-socket-activate is not installed'; exit 77; }
. tests/system/lib.sh
ns_begin "$0"
fail() { echo "unconfigured: $1" >&2; cat "$NS_TMP/scimd.log" >&2; exit 1; }
begin() { # as systemd does: scimd is started when somebody connects
  rm -f /run/scimd/scimd.sock
  systemd-socket-activate -l /run/scimd/scimd.sock "$BUILD/root/usr/sbin/scimd" >"$NS_TMP/scimd.log" 2>&1 &
  SCIMD_PID=$!
  tenacious 10 test -S /run/scimd/scimd.sock
}
told() { # COMMAND…
  local code=0
  scimctl "$@" >"$NS_TMP/out" 2>&1 || code=$?
  [ "$code" = 1 ] && grep -q 'call: scimctl setup' "$NS_TMP/out" || fail "$*: $code, $(cat "$NS_TMP/out")"
}
ends() { # EXIT-STATUS
  local code=0
  tenacious 20 sh -c "! kill -0 $SCIMD_PID" || fail 'it goes on'
  wait "$SCIMD_PID" || code=$?
  SCIMD_PID=''
  [ "$code" = "$1" ] || fail "exit status $code, not $1"
}
printf '[access]\nallow = all\n' >/etc/scimd/scimd.conf
for none in 'no directory' 'no file'; do
  echo "# $none"
  begin
  for i in {1..40}; do told status; done # one scimd for all of them
  told sync --wait
  told check ann
  [ "$(pgrep -c -x scimd)" = 1 ] || fail 'not one scimd'
  [ -z "$(ls -A /var/lib/scimd)" ] || fail 'it made something'
  ends 0
  rm -f /etc/scimd/scimd.conf
done

echo "# configured while it waits: a failure, which systemd answers by starting another"
configure() { printf '[directory/corp]\nurl = http://127.0.0.1:1/scim/v2\ntoken = corp\n' >/etc/scimd/conf.d/10-corp.conf; }
begin
told status
configure
ends 1
echo "# somebody who asks then is left to the one that comes next"
rm /etc/scimd/conf.d/10-corp.conf
begin
told status
configure
if scimctl sync --wait >"$NS_TMP/out" 2>&1; then fail 'here nobody comes next'; fi
! grep -q 'scimctl setup' "$NS_TMP/out" || fail 'they are told what is no longer true'
ends 0

echo "# without systemd it is an error, as ever"
rm /etc/scimd/conf.d/10-corp.conf
if scimd >"$NS_TMP/scimd.log" 2>&1; then fail 'it runs without a directory'; fi
if scimd --once >"$NS_TMP/scimd.log" 2>&1; then fail 'it runs without a directory'; fi
