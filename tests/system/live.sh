#!/usr/bin/env bash
# The live check: one conditional GET of one person, shared by whoever waits, used
# again for two seconds; a silent directory is left alone; what the answer brings is
# stored and published; root asks about anyone, everybody else about themselves.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 300 4
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
conf() {
  printf '[scimd]\ninterval = 1h\nfull_interval = 1h\n[directory/corp]\nurl = %s\ntoken = corp\n%s\n[access]\nallow = all\n' "$SCIM_URL" "$1" >/etc/scimd/scimd.conf
}
failed() { echo "$1" >&2; cat "$NS_TMP/scimd.log" >&2; exit 1; }
fault() { admin /__fault "$1" >/dev/null; }
whole() { curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__fault" >/dev/null; }
forget() { curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__seen" >/dev/null; }
gets() { admin /__seen | grep -o '"url":"/scim/v2/Users/[^"]*"' | wc -l; }
lists() { admin /__seen | grep -o 'startIndex' | wc -l; }
conditional() { admin /__seen | grep -o '"if-none-match":"[^,]*"' | wc -l; }
check() { scimctl --json check "$1"; }
says() { local a; a=$(check "$1") || :; [[ $a == *"\"answer\":\"$2\""* ]]; }
passwd_of() { getent passwd "$1" | cut -d: -f2; }
locked() { [ "$(passwd_of "$1")" = '!' ]; }
open() { [ "$(passwd_of "$1")" = '*' ]; }
gecos() { [ "$(getent passwd "$1" | cut -d: -f5)" = "$2" ]; }
asked_again() { says "$1" "$2" && [ "$(gets)" -gt "$3" ]; }
conf ''
scimd_start

echo '# one request, conditional from the first on; its answer serves for a while'
forget
says user00001 active || failed 'not active'
[[ $(check user00001) == *'"status":304'* ]] || failed 'the version of the list was not used'
[ "$(gets)" = 1 ] || failed 'asked twice within two seconds'
[ "$(conditional)" = 1 ] || failed 'not a conditional request'
tenacious 6 asked_again user00001 active 1 || failed 'never asked again'
[ "$(lists)" = 0 ] || failed 'a list was read'

echo '# whoever waits shares it'
forget
fault '{"match":"Users/","kind":"slow","ms":700}'
waiting=()
for i in 1 2 3 4 5 6; do check user00002 >"$NS_TMP/check.$i" & waiting+=($!); done
for i in "${waiting[@]}"; do wait "$i"; done
whole
[ "$(grep -l '"answer":"active"' "$NS_TMP"/check.* | wc -l)" = 6 ] || failed 'not everybody was answered'
[ "$(gets)" = 1 ] || failed "$(gets) requests for six who waited"

echo '# a changed answer is told at once and stored: disabled, enabled, another name'
forget
groups=$(id -nG user00003)
admin /__churn '{"deactivate":1,"from":3}' >/dev/null
says user00003 disabled || failed 'not seen as disabled'
tenacious 5 locked user00003 || failed 'the answer was not published'
scimctl audit --user user00003 | grep -q disabled || failed 'no audit entry'
[ "$(lists)" = 0 ] || failed 'a list was read'
[[ $groups == *group* ]] || failed 'the test has no memberships'
admin /__churn '{"activate":1,"from":3}' >/dev/null
tenacious 6 says user00003 active || failed 'not seen as enabled'
tenacious 5 open user00003 || failed 'enabled, not published'
[ "$(id -nG user00003)" = "$groups" ] || failed 'the memberships were lost'
admin /__churn '{"rename":"Somebody Else","from":4}' >/dev/null
says user00004 active
tenacious 5 gecos user00004 'Somebody Else' || failed 'another attribute was not published'
[ "$(lists)" = 0 ] || failed 'a list was read'
generation() { scimctl --json status | grep -o '"generation":[0-9]*' | head -n 1; }
before=$(generation)
tenacious 6 asked_again user00004 active "$(gets)" || failed 'never asked again'
[ "$(generation)" = "$before" ] || failed 'an answer that changed nothing was published'

echo '# everybody about themselves, root about anyone'
as() { setpriv --reuid="$(id -u "$1")" --regid=65534 --clear-groups scimctl --json check "$2"; }
[[ $(as user00005 user00005) == *'"answer":"active"'* ]] || failed 'not about oneself'
! as user00005 user00006 >"$NS_TMP/out" 2>&1 || failed 'about somebody else'
! as user00005 nosuchperson >"$NS_TMP/out2" 2>&1 || failed 'about nobody'
cmp -s <(sed s/user00006/X/g "$NS_TMP/out") <(sed s/nosuchperson/X/g "$NS_TMP/out2") || failed 'the refusals tell who exists'

echo '# somebody whom the directory does not know: gone, a full sync, nothing removed'
forget
fault '{"match":"Users/","kind":"status","status":404}'
says user00007 gone || failed 'not gone'
read_all() { [ "$(lists)" -ge 2 ]; }
tenacious 5 read_all || failed 'no full sync followed'
tenacious 5 scimd_synced
open user00007 || failed 'one answer removed somebody'
whole

echo '# no answer: within its time, and then at once'
forget
fault '{"match":"Users/","kind":"hang"}'
from=${EPOCHREALTIME/./}
says user00010 unknown || failed 'an answer out of nothing'
took=$(((${EPOCHREALTIME/./} - from) / 1000))
echo "  no answer: $took ms"
[ "$took" -ge 1400 ] && [ "$took" -lt 3000 ] || failed "the deadline is not one and a half seconds"
whole
for i in 11 12 13 10; do says "user000$i" unknown || failed 'asked a silent directory again'; done
[ "$(gets)" = 1 ] || failed 'a silent directory was not left alone'
if [ "${NIGHTLY:-no}" = yes ]; then
  tenacious 40 says user00010 active || failed 'left alone for ever'
fi
scimd_stop
scimd_start
for status in 401 200; do # the last one: not about this person
  fault "{\"match\":\"Users/\",\"kind\":\"status\",\"status\":$status}"
  says user00011 unknown || failed "HTTP $status counts as an answer"
  whole
  # Not let in leaves everybody out; an odd record says nothing about others.
  [ "$status" = 401 ] && others=unknown || others=active
  says user00012 $others || failed "after HTTP $status about one, another is not $others"
  scimd_stop
  scimd_start
done

echo '# a directory whose row of the quirk table forbids it is not asked conditionally'
scimd_stop
conf 'quirks = keycloak'
scimd_start
forget
says user00001 active
[ "$(gets)" = 1 ] && [ "$(conditional)" = 0 ] || failed 'asked conditionally'
scimd_stop
