#!/usr/bin/env bash
# From which moment the time to deny counts: the directory's own time of the change
# where that says something, else when this host saw it; and the limit it is held to.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 40 1
all_of_it
fail() { echo "$*" >&2; scimctl evidence >&2 || :; tail -n 5 "$NS_TMP/scimd.log" >&2; exit 1; }
scimd_start
leave() { # NUMBER AT: disabled, and everything about it noted
  admin /__churn "{\"deactivate\":1,\"from\":$1,\"at\":$2}" >/dev/null
  scimctl sync --wait >/dev/null
  tenacious 10 ended "$1" || fail "user $1 has no end"
}
named() { printf 'user%05d' "$1"; }
evidence() { scimctl --json evidence --user "$(named "$1")" "${@:2}"; }
ended() { [[ $(evidence "$1" || :) == *'"ended":'* ]]; }
taken() { evidence "$1" | sed 's/.*"time_to_deny_ms":\([0-9-]*\).*/\1/'; }
ago() { date -u -d "@$(($(date +%s) - $1))" '+"%Y-%m-%dT%H:%M:%SZ"'; }

leave 1 "$(ago 20)"
ms=$(taken 1)
[ "$ms" -ge 19000 ] && [ "$ms" -lt 60000 ] || fail "changed 20 s ago, and $ms ms"
evidence 1 >/dev/null || fail 'not good within five minutes'
r=0; evidence 1 --limit 10s >"$NS_TMP/out" || r=$?
[ "$r" = 1 ] && grep -q 'later than the limit' "$NS_TMP/out" || fail "exit $r with a limit of 10 s"

leave 2 "$(ago 400)"
r=0; evidence 2 >"$NS_TMP/out" || r=$?
[ "$r" = 1 ] && grep -q 'later than the limit' "$NS_TMP/out" || fail "exit $r after 400 s, the limit is five minutes"
evidence 2 --limit 10min >/dev/null || fail 'not good within ten minutes'

for at in null "$(ago -3600)"; do # it does not move; a clock that is ahead
  n=$((${n:-2} + 1))
  leave "$n" "$at"
  ms=$(taken "$n")
  [ "$ms" -ge 0 ] && [ "$ms" -lt 20000 ] || fail "lastModified $at: $ms ms"
  [[ $(evidence "$n") != *'"changed"'* ]] || fail "$at was taken for the time of the change"
done
r=0; scimctl evidence --user nobody-here >/dev/null 2>&1 || r=$?
[ "$r" = 4 ] || fail "evidence on a stranger: exit $r"
