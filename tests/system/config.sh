#!/usr/bin/env bash
# Every complaint about a configuration names file, line and what to do; drop-ins
# overrule; what `config show` prints is read again as the same; a bad file on
# reload leaves the running configuration in force.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
conf=/etc/scimd/scimd.conf
good='[directory/corp]
url = https://id.example.com/scim/v2
token = corp'
# refused LINE WORDS <<< FILE
refused() {
  local r=0
  cat >$conf
  scimctl config check 2>"$NS_TMP/out" || r=$?
  if [ "$r" != 1 ] || ! grep -qE "scimd.conf:$1:.*$2" "$NS_TMP/out"; then
    echo "expected line $1: $2; got (exit $r):" >&2
    cat "$NS_TMP/out" $conf >&2
    exit 1
  fi
}
printf '%s\n' "$good" >$conf
scimctl config check | grep -q 'no complaints'

refused 4 'did you mean "page_size"' <<<"$good"$'\npage_sise = 100'
refused 5 'did you mean "interval"' <<<"$good"$'\n[scimd]\nintervall = 5min'
refused 4 'unknown setting' <<<"$good"$'\nqwertyuiop = 1'
refused 5 'unknown section' <<<"$good"$'\n[daemon]\nx = 1'
refused 5 'is no span of time' <<<"$good"$'\n[scimd]\ninterval = soon'
refused 5 'out of range' <<<"$good"$'\n[scimd]\ninterval = 0s'
refused 5 'out of range' <<<"$good"$'\n[scimd]\ninterval = 99999999d'
refused 4 'is no number' <<<"$good"$'\npage_size = many'
refused 4 'out of range' <<<"$good"$'\npage_size = 0'
refused 5 'no absolute path' <<<"$good"$'\n[scimd]\nstate_dir = var/lib'
refused 5 'no absolute path with' <<<"$good"$'\n[identity]\nhome = /home'
refused 5 'is none of' <<<"$good"$'\n[identity]\ngroup_members = some'
refused 4 'not in the quirk table' <<<"$good"$'\nquirks = nobody'
refused 4 'a line of its own' <<<"$good"$'\npage_size = 100 # many'
refused 5 '' <<<"$good"$'\n[access]\nallow = userName eq'
# A name that is nearly right never matches: as `deny` it would let everybody in.
refused 5 'no attribute "groups.dsplay"; did you mean "groups.display"' <<<"$good"$'\n[access]\nallow = groups.dsplay eq "x"'
refused 6 'did you mean "active"' <<<"$good"$'\n[access]\nallow = all\ndeny = actve eq false'
refused 5 'no attribute "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCentre"' <<<"$good"$'\n[access]\nallow = urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCentre eq "x"'
printf '%s\n[access]\nallow = favouriteColour eq "red" or urn:example:2.0:User:team eq "a" or meta.lastModified pr or emails.value co "@"\n' "$good" >$conf
scimctl config check >/dev/null
refused 5 'groups only' <<<"$good"$'\n[access]\nallow = emails[type eq "work"]'
refused 5 'made a member of root' <<<"$good"$'\n[identity]\nlocal_group.root = admins'
refused 2 '' <<<$'[directory/corp]\nurl = http://id.example.com/scim\ntoken = corp'
refused 2 '' <<<$'[directory/corp]\nurl = ftp://id.example.com/scim\ntoken = corp'
refused 2 '' <<<$'[directory/corp]\nurl = https://user:pw@id.example.com/scim\ntoken = corp'
# What goes to this machine without TLS must not go to another one first.
plain=$'[directory/corp]\nurl = http://127.0.0.1:8643/scim/v2\ntoken = corp'
refused 4 'proxy: .*token' <<<"$plain"$'\nproxy = http://proxy.example.com:3128'
refused 6 'proxy: .*token' <<<$'[directory/corp]\nurl = https://x.example/\nclient_id = a\nclient_secret_file = /b\ntoken_url = http://localhost/token\nproxy = http://proxy.example.com:3128'
printf '%s\nproxy = http://proxy.example.com:3128\n' "$good" >$conf
scimctl config check >/dev/null
refused 2 'name of a credential' <<<$'[directory/corp]\ntoken = eyJhbGciOi/J9+abc\nurl = https://x.example/'
refused 2 'is missing' <<<$'[directory/corp]\nurl = https://x.example/'
refused 2 'is missing' <<<$'[directory/corp]\ntoken = corp'
refused '[0-9]+' 'only one of' <<<"$good"$'\ntoken_file = /x'
oauth=$'[directory/corp]\nurl = https://id.example.com/scim/v2\nclient_id = host\ntoken_url = https://id.example.com/token'
refused '[0-9]+' 'needs client_id and client_secret' <<<"$oauth"
refused '[0-9]+' 'only one of client_secret' <<<"$oauth"$'\nclient_secret = sso\nclient_secret_file = /x'
refused 5 'name of a credential' <<<"$oauth"$'\nclient_secret = s3cr/t'
printf '%s\nclient_secret = sso\n' "$oauth" >$conf
scimctl config check >/dev/null
refused '[0-9]+' "directory's name" <<<$'[directory/Corp]\nurl = https://x.example/\ntoken = a'

echo "# twice in one file: refused; in a drop-in: the later wins and says so"
r=0; printf '%s\npage_size = 1\npage_size = 2\n' "$good" >$conf
scimctl config check 2>"$NS_TMP/out" || r=$?
[ "$r" = 1 ]; grep -qE 'scimd.conf:5: .*[Dd]uplicate' "$NS_TMP/out"
# Many of them are one complaint, not the end of the program.
r=0; { echo "$good"; seq -f 'page_size = %g' 400; } >$conf
scimctl config check 2>"$NS_TMP/out" || r=$?
[ "$r" = 1 ]; grep -qE 'scimd.conf:5: .*[Dd]uplicate' "$NS_TMP/out"
printf '%s\npage_size = 50\n' "$good" >$conf
printf '[directory/corp]\npage_size = 70\n' >/etc/scimd/conf.d/10-a.conf
printf '[directory/corp]\npage_size = 80\n' >/etc/scimd/conf.d/20-b.conf
scimctl config show | grep -q '^page_size = 80'
scimctl config show --sources | grep -q '20-b.conf'

echo "# what is printed is read again as the same"
scimctl config show >"$NS_TMP/again.conf"
mkdir "$NS_TMP/again"
cp "$NS_TMP/again.conf" "$NS_TMP/again/scimd.conf"
scimctl config show "$NS_TMP/again/scimd.conf" | cmp - "$NS_TMP/again.conf"
rm /etc/scimd/conf.d/*

echo "# rules that cannot be read are not left out"
mkdir -m 755 "$NS_TMP/closed"
chmod 711 "$NS_TMP" "$NS_TMP/.." "$NS_TMP/../.." 2>/dev/null || :
cp "$NS_TMP/again.conf" "$NS_TMP/closed/scimd.conf"
mkdir -m 700 "$NS_TMP/closed/conf.d"
r=0; scimd --check --config "$NS_TMP/closed/scimd.conf" >"$NS_TMP/out" 2>&1 || r=$?
[ "$r" = 0 ] || { cat "$NS_TMP/out" >&2; exit 1; }
r=0; setpriv --reuid 65534 --regid 65534 --clear-groups "$(command -v scimd)" --check --config "$NS_TMP/closed/scimd.conf" >"$NS_TMP/out" 2>&1 || r=$?
[ "$r" = 1 ] && grep -q 'closed/conf.d: cannot be read' "$NS_TMP/out" || { echo "exit $r" >&2; cat "$NS_TMP/out" >&2; exit 1; }

echo "# a token that others can read is refused"
scim_start tests/realscim --users 5 --groups 1
printf '[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$SCIM_URL" >$conf
echo secret >/etc/scimd/credentials.d/corp
chmod 644 /etc/scimd/credentials.d/corp
r=0; scimd --once 2>"$NS_TMP/out" || r=$?
[ "$r" = 1 ]; grep -q 'credentials.d/corp' "$NS_TMP/out"
chmod 600 /etc/scimd/credentials.d/corp
scimd --once 2>/dev/null
mkdir -m 700 "$NS_TMP/creds"
echo secret >"$NS_TMP/creds/cred_corp"
rm /etc/scimd/credentials.d/corp
CREDENTIALS_DIRECTORY=$NS_TMP/creds scimd --once 2>/dev/null

echo "# paths that the modules do not know are warned of"
mkdir -m 755 "$NS_TMP/state"
{ printf '[scimd]\nstate_dir = %s\nsocket = %s\n' "$NS_TMP/state" "$NS_TMP/sock"; cat $conf; } >"$NS_TMP/again/scimd.conf"
CREDENTIALS_DIRECTORY=$NS_TMP/creds scimd --config "$NS_TMP/again/scimd.conf" 2>"$NS_TMP/out" &
SCIMD_PID=$!
tenacious 20 scimctl --socket "$NS_TMP/sock" --state-dir "$NS_TMP/state" sync --wait
scimd_stop
grep -q 'libnss_scim.*only /var/lib/scimd' "$NS_TMP/out"; grep -q 'socket is .*sock;' "$NS_TMP/out"

echo "# a bad file on reload"
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
scimd_start
echo 'nonsense = 1' >>$conf
r=0; scimctl reload 2>"$NS_TMP/out" || r=$?
[ "$r" != 0 ]; grep -q 'scimd.conf:6' "$NS_TMP/out"
scimctl sync --wait >/dev/null
scimctl status | grep -q '^green'
sed -i '$d' $conf
scimctl reload
kill -HUP "$SCIMD_PID"
tenacious 10 scimctl sync --wait

echo "# a reload during a round waits for its end"
admin /__fault '{"kind":"slow","ms":1500,"match":"/Users"}' >/dev/null
scimctl sync >/dev/null
kill -HUP "$SCIMD_PID"
tenacious 20 bash -c "[ \"\$(grep -c 'configuration read again' '$NS_TMP/scimd.log')\" = 3 ]"
if grep 'not read again' "$NS_TMP/scimd.log" | grep -q 'under way'; then exit 1; fi

echo "# local files that change all the time put off no sync"
sed -i '1i [scimd]\ninterval = 2s\nfull_interval = 2s' $conf
kill -HUP "$SCIMD_PID"
tenacious 10 bash -c "[ \"\$(grep -c 'configuration read again' '$NS_TMP/scimd.log')\" = 4 ]"
tenacious 10 scimctl sync --wait
(while :; do cp -p /etc/passwd /etc/passwd.new; mv /etc/passwd.new /etc/passwd; read -rt 0.3 <> <(:) || :; done) &
noise=$!
admin /__churn '{"add":1}' >/dev/null
arrived() { [ "$(getent passwd | grep -c '^user')" = 6 ]; }
tenacious 15 arrived
kill $noise
