#!/usr/bin/env bash
# A host and scim-directory together: people made there are people here, with the
# numbers given there; who is disabled, enabled, deleted and made anew is seen.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ip link set lo up
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
scim-directory --config "$NS_TMP/directory.conf" serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
for who in ann ben cem; do directory user add "$who@example.com"; done
directory group add linux-prod
directory group member add linux-prod ann@example.com ben@example.com
printf '[directory/corp]\nurl = http://127.0.0.1:%s/scim/v2\ntoken = corp\n[access]\nallow = groups.display eq "linux-prod"\n' "$port" >/etc/scimd/scimd.conf
scimd_start

same() { # WHAT WANTED COMMAND…
  local what=$1 wanted=$2 got
  shift 2
  got=$("$@" || :)
  [ "$got" = "$wanted" ] || { echo "$what: \"$got\", not \"$wanted\"" >&2; exit 1; }
}
uid=$(directory user list | awk '/ann@/ { print $1 }')
same "ann" "ann:*:$uid:$uid::/home/ann:/bin/bash" getent passwd ann
same "her groups" "ann linux-prod" id -Gn ann
same "the group" "ann,ben" sh -c 'getent group linux-prod | cut -d: -f4'
directory user disable ann@example.com
directory user delete cem@example.com
scimctl sync --full --wait >/dev/null
same "ann, disabled" "ann:!:$uid:$uid::/home/ann:/usr/sbin/nologin" getent passwd ann
same "her groups then" "ann" id -Gn ann
same "cem, deleted, keeps the number" "cem" sh -c "id -un $((uid + 2))"
directory user enable ann@example.com
directory user add cem@example.com
scimctl sync --full --wait >/dev/null
same "ann again" "ann:*:$uid:$uid::/home/ann:/bin/bash" getent passwd ann
same "her groups again" "ann linux-prod" id -Gn ann
[ "$(id -u cem)" -gt $((uid + 2)) ] || { echo "cem's number was given again: $(id -u cem)" >&2; exit 1; }
same "who had the number" "cem~$((uid + 2))" sh -c "id -un $((uid + 2))"
scimd_stop
