#!/usr/bin/env bash
# Somebody is disabled in the directory: on the host every process of theirs ends,
# however it was started, and nobody else's; the audit log tells it.
set -euo pipefail
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
cd "$SRC"
. tests/system/lib.sh
work=$(mktemp -d)
ns_prepare "$work" "$BUILD"
ip link set lo up
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
failed() { echo "FAILED: $1" >&2; cat "$NS_TMP/scimd.log" "$NS_TMP/helper.log" >&2; scimctl status >&2 || :; ps -eo pid,uid,stat,args >&2; exit 1; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
for who in ann ben; do directory user add "$who@example.com"; done
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
: >"$NS_TMP/helper.log"
helper_start() {
  "$BUILD/root/usr/libexec/scimd/scim-lockout" --listen /run/scimd/lockout.sock 2>>"$NS_TMP/helper.log" &
  HELPER_PID=$!
  tenacious 10 test -S /run/scimd/lockout.sock
}
helper_start
scimd_start
connected() { [[ $(scimctl --json status) == *'"events":"connected'* ]]; }
tenacious 5 connected || failed 'it does not listen'
as() { # NAME COMMAND…
  local who=$1
  shift
  setpriv --reuid "$who" --regid "$who" --clear-groups "$@"
}
none() { ! pgrep -u "$1" >/dev/null; }

echo '# a sleep of theirs ends, nobody else is touched'
as ann sleep 1000 &
as ben sleep 1000 &
ben=$!
tenacious 5 pgrep -u ann >/dev/null
directory user disable ann@example.com
tenacious 10 none ann || failed 'ann still runs something'
kill -0 "$ben" || failed 'ben was touched'
ended() { [[ $(scimctl --json evidence --user ann) == *'"ended":'* ]]; }
tenacious 10 ended || failed 'not in the evidence'
scimctl evidence --user ann
