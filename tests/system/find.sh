#!/usr/bin/env bash
# One name among very many: explain and the live check find it by userName, login name,
# id and number, also after renames, deletions and in a store that is opened again, and
# print what that costs the daemon.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
people=3000
[ "${NIGHTLY:-no}" = no ] || people=100000
fast_start "$people" 50
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
printf '[scimd]\ninterval = 1h\nfull_interval = 1h\n[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
failed() { echo "$1" >&2; cat "$NS_TMP/scimd.log" >&2; exit 1; }
served() { scimctl --json status | grep -q "\"users\":$people"; }
explained() { scimctl --json explain "$1" >"$NS_TMP/explained" || :; grep -q "\"id\":\"$2\"" "$NS_TMP/explained"; }
last=$(printf 'user%05d' $((people - 1)))
id=aaaaaaaa-0000-4000-8000-$(printf '%012d' $((people - 1)))
scimd_start
tenacious 60 served || failed 'not everybody is served'

echo '# by every name'
uid=$(id -u "$last")
for word in "$last" "${last^^}" "$id" "$uid"; do
  explained "$word" "$id" || failed "not found by $word"
  [ "$(grep -o '"kind":"user"' "$NS_TMP/explained" | wc -l)" = 1 ] || failed "more than one by $word"
done
! explained nosuchperson "$id" || failed 'somebody whom nobody asked for'

echo '# what it costs'
cost() { # WHAT COMMAND…: 40 times; microseconds of the daemon
  local what=$1 before after
  shift
  before=$(cut -d' ' -f1 "/proc/$SCIMD_PID/schedstat")
  for ((i = 0; i < 40; i++)); do "$@" "$(printf 'user%05d' $((i * people / 40)))" >/dev/null || :; done
  after=$(cut -d' ' -f1 "/proc/$SCIMD_PID/schedstat")
  echo "  $what, $people people: $(((after - before) / 40000)) microseconds of the daemon"
}
cost explain scimctl --json explain
cost 'live check' scimctl --json check

echo '# after a deletion, and in a store opened again'
admin /__churn '{"remove":1}' >/dev/null
scimctl sync --wait >/dev/null
explained "$last" "$id" && explained "$uid" "$id" || failed 'the deleted one is not found'
grep -q '"state":"deleted"' "$NS_TMP/explained" || failed 'not told as deleted'
scimd_stop
scimd_start
explained "$last" "$id" && explained "$uid" "$id" || failed 'not found after a restart'
scimd_stop
