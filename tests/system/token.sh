#!/usr/bin/env bash
# The token goes to the directory's own origin and nowhere else: no redirect, proxy of
# the environment or .netrc changes that, and it is not to be found in the process
# list, the environment, logs, audit, store, image or a core.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
secret=tok-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')-en
(umask 077; echo "$secret" >/etc/scimd/credentials.d/corp)
fail() { echo "$*" >&2; exit 1; }
seen() { curl -sf --noproxy '*' "$1/__seen"; }

# Somebody else, who listens to whatever comes.
fast_start 1 1
other=$SCIM_ROOT OTHER_PID=$SCIM_PID
trap 'kill $OTHER_PID; ns_end' EXIT
fast_start 20 2
conf() {
  printf '[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
}
conf

echo "# redirects to another origin are not followed"
for status in 301 302 303 307 308; do
  for match in Users Groups ServiceProviderConfig; do
    admin /__fault "{\"match\":\"$match\",\"kind\":\"redirect\",\"status\":$status,\"location\":\"$other/scim/v2/Users\"}" >/dev/null
    scimd --debug --once >>"$NS_TMP/log" 2>&1 || :
  done
done
admin /__fault '{"match":"nothing","kind":"deep","depth":1}' >/dev/null
[ "$(seen "$other")" = '[]' ] || fail "a redirect was followed: $(seen "$other")"

echo "# proxies of the environment and .netrc are not looked at"
mkdir "$NS_TMP/home"
printf 'machine 127.0.0.1 login somebody password else\n' >"$NS_TMP/home/.netrc"
for v in http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY; do
  env "$v=$other" NETRC="$NS_TMP/home/.netrc" HOME="$NS_TMP/home" CURL_HOME="$NS_TMP/home" scimd --debug --once >>"$NS_TMP/log" 2>&1
done
[ "$(seen "$other")" = '[]' ] || fail "a proxy of the environment was asked"
seen "$SCIM_ROOT" >"$NS_TMP/seen"
grep -q "Bearer $secret" "$NS_TMP/seen" || fail "the directory was not given the token"
if grep -q '"Basic ' "$NS_TMP/seen"; then fail "the .netrc was used"; fi

echo "# not in the process list, the environment, files or logs"
ulimit -c unlimited
scimd_start --debug
scimctl sync --wait >/dev/null
scimctl explain user00001 >/dev/null
scimctl --json status >"$NS_TMP/said"
scimctl config show >>"$NS_TMP/said"
scimctl audit >>"$NS_TMP/said"
for f in cmdline environ comm; do
  if grep -q "$secret" "/proc/$SCIMD_PID/$f"; then fail "the token is in /proc/PID/$f"; fi
done
if grep -rlaq "$secret" /var/lib/scimd /run/scimd "$NS_TMP/log" "$NS_TMP/scimd.log" "$NS_TMP/said"; then
  grep -rla "$secret" /var/lib/scimd /run/scimd "$NS_TMP/log" "$NS_TMP/scimd.log" "$NS_TMP/said" >&2
  fail "the token is in a file"
fi
[ -s "$NS_TMP/scimd.log" ] && [ -s "$NS_TMP/said" ]

echo "# no other user can read its memory, and it leaves no core"
[ "$(stat -c %u "/proc/$SCIMD_PID/mem")" = 0 ]
if setpriv --reuid=65534 --regid=65534 --clear-groups cat "/proc/$SCIMD_PID/environ" >/dev/null 2>&1; then fail "others can read its environment"; fi
grep -qx 'Max core file size *0 *0 *bytes *' "/proc/$SCIMD_PID/limits" || fail "a core could be written: $(grep core "/proc/$SCIMD_PID/limits")"
kill -ABRT "$SCIMD_PID"
wait "$SCIMD_PID" || :
SCIMD_PID=''
if find "$NS_TMP" "$PWD" -maxdepth 2 -name 'core*' -type f | grep -q .; then fail "there is a core"; fi

echo "# what systemd hands over is enough for a daemon that may not see credentials.d"
(umask 077; echo client-secret >/etc/scimd/credentials.d/sso)
install -d -o 997 -g 997 -m 755 /var/lib/scimd/other
install -d -m 755 /run/handed
install -o 997 -m 400 /etc/scimd/credentials.d/sso /run/handed/cred_sso
oauth() { # SETTING
  printf '[scimd]\nstate_dir = /var/lib/scimd/other\n[directory/sso]\nurl = %s\nclient_id = host\ntoken_url = %s/token\n%s\n[access]\nallow = all\n' \
    "$SCIM_URL" "$SCIM_ROOT" "$1" >/etc/scimd/scimd.conf
}
other() { CREDENTIALS_DIRECTORY=/run/handed setpriv --reuid 997 --regid 997 --clear-groups "$BUILD/root/usr/sbin/scimd" --once >"$NS_TMP/other" 2>&1; }
oauth 'client_secret = sso'
admin /__fault '{"match":"nothing","kind":"deep","depth":1}' >/dev/null
other || fail "the secret was not taken: $(cat "$NS_TMP/other")"
seen "$SCIM_ROOT" >"$NS_TMP/seen"
grep -q "Basic $(printf 'host:client-secret' | base64)" "$NS_TMP/seen" || fail 'the token_url was not given the secret'
grep -q 'Bearer handed-out' "$NS_TMP/seen" || fail 'the directory was not given the token'

echo "# and what it has not handed over is said, with what helps"
oauth 'client_secret_file = /etc/scimd/credentials.d/sso'
if other; then fail 'it sees what is root'"'"'s alone'; fi
grep -q 'client_secret' "$NS_TMP/other" || fail "no way out is named: $(cat "$NS_TMP/other")"
printf '[scimd]\nstate_dir = /var/lib/scimd/other\n[directory/late]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
if other; then fail 'it sees what is root'"'"'s alone'; fi
grep -q '"corp".*systemctl restart scimd' "$NS_TMP/other" || fail "the restart is not named: $(cat "$NS_TMP/other")"
