#!/usr/bin/env bash
# What the journal gets: fields by which an event can be found, for a sync, for refused
# records, for somebody who leaves, for a token and a configuration that are refused.
# No journald runs here; a socket in its place notes what arrives.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ip link set lo up
failed() { echo "FAILED: $1" >&2; cat "$NS_TMP/journal" "$NS_TMP/scimd.log" >&2; exit 1; }

mkdir -p /run/systemd/journal
cat >"$NS_TMP/journald.pl" <<'END'
use IO::Socket::UNIX; use Socket;
my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "/run/systemd/journal/socket") or die;
$| = 1;
while (defined $s->recv(my $m, 1 << 20)) {
  my @f;
  while (length $m) { # KEY=value, or KEY, the length and bytes of any kind
    my $line = substr($m, 0, index($m, "\n") + 1, ""); chomp $line;
    if ($line =~ /=/) { push @f, $line; next }
    my $n = unpack("Q<", substr($m, 0, 8, "")); push @f, "$line=" . substr($m, 0, $n, ""); substr($m, 0, 1, "");
  }
  print join("\x1f", sort @f), "\n";
}
END
perl "$NS_TMP/journald.pl" >"$NS_TMP/journal" &
tenacious 10 test -S /run/systemd/journal/socket
events=$("$BUILD/tests/unit/test_log" list)
# event NAME FIELD=VALUE…: one line of the journal has them all, with the id and level of its row
event() {
  local name=$1 id level lines f
  shift
  IFS=$'\t' read -r _ id level < <(grep "^$name"$'\t' <<<"$events")
  lines=$(tr '\037' '\001' <"$NS_TMP/journal" | sed 's/^/\x01/; s/$/\x01/' | grep -F $'\x01'"SCIM_EVENT=$name"$'\x01') || return 1
  for f in "MESSAGE_ID=$id" "PRIORITY=$level" SYSLOG_IDENTIFIER=scimd "$@"; do
    lines=$(grep -F $'\x01'"$f"$'\x01' <<<"$lines") || return 1
  done
  grep -q $'\x01''MESSAGE=.' <<<"$lines"
}
wants() { tenacious 15 event "$@" || failed "no event $*"; }

printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
token=$(directory token create --name host --scope read)
(umask 077; echo "$token" >/etc/scimd/credentials.d/corp)
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
for who in ann ben cem; do directory user add "$who@example.com"; done
directory user add 'odd name@example.com'
id=$(directory user show ann@example.com --json | sed 's/.*"id": *"\([^"]*\)".*/\1/')
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
export JOURNAL_STREAM=1:1
scimd_start
unset JOURNAL_STREAM

echo '# a sync, and a record that is refused'
wants sync-done
wants events-connected SCIM_DIRECTORY=corp
wants records-refused
wants record-refused SCIM_DIRECTORY=corp SCIM_CODE=name 'SCIM_USER=odd name@example.com'

echo '# somebody leaves'
uid=$(id -u ann)
setpriv --reuid ann --regid ann --clear-groups sleep 1000 &
tenacious 5 pgrep -u ann
directory user disable ann@example.com
for e in lockout-seen lockout-published sessions-ended; do
  wants "$e" SCIM_DIRECTORY=corp SCIM_USER=ann "SCIM_UID=$uid" "SCIM_ID=$id" SCIM_CODE=disabled
done
scimctl check ann && failed 'ann is active'
wants login-denied SCIM_USER=ann "SCIM_UID=$uid" SCIM_CODE=disabled

echo '# a configuration that is refused, by signal and by command'
echo 'sokcet = /x' >>/etc/scimd/scimd.conf
kill -HUP "$SCIMD_PID"
wants config-refused
scimctl reload 2>/dev/null && failed 'it was read'
sed -i '$d' /etc/scimd/scimd.conf
scimctl reload
wants config-read

echo '# a token that is refused'
directory token revoke host
scimctl sync --wait 2>/dev/null && failed 'without a token'
wants token-rejected SCIM_DIRECTORY=corp

echo '# nothing forges a line or a field; nothing that is no event has an id'
[ "$(tr '\037' '\n' <"$NS_TMP/journal" | grep -c '^MESSAGE=')" = "$(wc -l <"$NS_TMP/journal")" ] || failed 'a message has lines'
if grep -v 'SCIM_EVENT=' "$NS_TMP/journal" | grep -q MESSAGE_ID; then failed 'an id without an event'; fi
if grep -qF "$token" "$NS_TMP/journal"; then failed 'the token is in the journal'; fi

echo '# a start that fails'
scimd_stop
printf '[scimd]\nsokcet = /x\n' >"$NS_TMP/bad.conf"
JOURNAL_STREAM=1:1 scimd --config "$NS_TMP/bad.conf" && failed 'it started'
wants start-failed
