#!/usr/bin/env bash
# What happens to people runs the host's own programs: each event once, as nobody, with
# its JSON and nothing else; a program that fails is tried again, one that hangs is killed
# with all it started and holds up no lock-out; what is not root's alone is not run;
# and a restart of scimd loses nothing.
set -euo pipefail
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
command -v jq >/dev/null || { echo 'jq is not installed'; exit 77; }
cd "$SRC"
. tests/system/lib.sh
work=$(mktemp -d)
ns_prepare "$work" "$BUILD"
chmod 711 "$work"
ip link set lo up
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
failed() { echo "FAILED: $1" >&2; tail -n 30 "$NS_TMP/scimd.log" "$NS_TMP/hook.log" >&2; scimctl status >&2 || :; cat "$out"/* >&2 || :; exit 1; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
cat >/etc/scimd/scimd.conf <<CONF
[scimd]
interval = 1h
full_interval = 1h
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
events = off
[access]
allow = all
[hooks]
timeout = 2s
CONF
out=$NS_TMP/out
install -d -m 777 "$out"
mkdir -p /etc/scimd/hooks.d
hook() { cat >"/etc/scimd/hooks.d/$1"; chmod 755 "/etc/scimd/hooks.d/$1"; } # NAME, from standard input
helper() { scim-hook --listen /run/scimd/hook.sock 2>>"$NS_TMP/hook.log" & HOOK_PID=$!; tenacious 10 test -S /run/scimd/hook.sock; }
sync() { scimctl sync --wait >/dev/null; }
events() { jq -rs "[.[]|select($1)]|length" "$out/all"; } # FILTER: how many
come() { [ "$(events "$1")" -ge 1 ]; }
quiet() { [ "$(jq '.hooks.waiting' <<<"$(scimctl --json status)")" = 0 ]; }
one() { tenacious 10 come "$1" || failed "no event with $1"; tenacious 10 quiet || failed 'events wait'; [ "$(events "$1")" = 1 ] || failed "not once: $1"; }
: >"$out/all"
chmod 666 "$out/all"
hook 10-all <<HOOK
#!/bin/bash
{ id -u; tr '\0' '\n' </proc/self/environ | wc -c; pwd; } >"$out/who"
event=\$(cat)
printf '%s\n' "\$event" >>"$out/all"
echo "a word for the journal"
HOOK

echo '# somebody appears: it runs as nobody, with the event and nothing else'
helper
directory user add ann@example.com
scimd_start
one '.event=="create" and .name=="ann"'
[ "$(tr '\n' ' ' <"$out/who")" = "$(id -u nobody) 0 / " ] || failed "who: $(cat "$out/who")"
tenacious 5 grep -q 'a word for the journal' "$NS_TMP/hook.log" || failed 'its output is lost'
uid=$(getent passwd ann | cut -d: -f3)
jq -e --argjson uid "$uid" 'select(.schema==1 and .directory=="corp" and .userName=="ann@example.com" and .uid==$uid
  and .gid==$uid and .home=="/home/ann" and (.id|length)>0 and (.time|endswith("Z")) and .before==null
  and .after.active and .after.shell=="/bin/bash")' "$out/all" >/dev/null || failed 'not the right event'
sync
[ "$(wc -l <"$out/all")" = 1 ] || failed 'more than one event'
scimd_stop
