#!/usr/bin/env bash
# scimctl as scripts see it: every command explains itself, --json is one JSON
# text with its schema everywhere, exit codes are the documented ones, progress
# goes to a terminal only, and without a daemon the image still answers.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fail() { echo "$*" >&2; exit 1; }
# gives CODE ARGUMENTS…: exit code; output in $NS_TMP/out and err
gives() {
  local want=$1 r=0
  shift
  scimctl "$@" >"$NS_TMP/out" 2>"$NS_TMP/err" </dev/null || r=$?
  [ "$r" = "$want" ] || { cat "$NS_TMP/out" "$NS_TMP/err" >&2; fail "scimctl $*: exit $r instead of $want"; }
}
# json CODE ARGUMENTS…: the same, and one JSON text with "schema":1
json() {
  gives "$@" --json
  node -e 'const o = JSON.parse(require("fs").readFileSync(0, "utf8")); if (o.schema !== 1) process.exit(1)' <"$NS_TMP/out" ||
    { cat "$NS_TMP/out" >&2; fail "scimctl ${*:2}: no JSON with its schema"; }
}

echo "# every command explains itself; what is not understood is said so"
commands=$(scimctl help | sed -n 's/^  \([a-z]\{3,\}\).*/\1/p')
[ "$(wc -l <<<"$commands")" -ge 13 ]
for c in $commands; do
  gives 0 "$c" --help
  grep -q "^Usage: scimctl $c" "$NS_TMP/out" || fail "$c --help"
done
for a in status refusals reload version; do gives 2 $a extra; done
gives 2; gives 2 nonsense; gives 2 --nonsense; gives 2 lookup; gives 2 list; gives 2 list people; gives 2 explain
gives 2 sync now; gives 2 sync --soon; gives 2 audit all; gives 2 cache melt; gives 2 config; gives 2 config show --all; gives 2 check
gives 2 access; gives 2 access report more; gives 2 access report --csv --json; gives 2 explain --if rich user00001; gives 3 explain --if disabled user00001

echo "# without daemon and image"
gives 1 status; gives 1 lookup user00001; gives 1 cache verify; gives 1 access report
gives 3 sync; gives 3 refusals; gives 3 audit; gives 3 cache; gives 3 reload; gives 3 check user00001

scim_start tests/realscim --users 400 --groups 4
cat >/etc/scimd/scimd.conf <<END
[scimd]
interval = 1h
[directory/corp]
url = $SCIM_URL
token = corp
page_size = 20
[access]
allow = groups.display eq "group001"
END
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
scimd_start

echo "# --json, and exit codes"
json 0 status; json 0 lookup user00001; json 0 list users; json 0 list groups; json 0 refusals
json 0 explain user00001; json 6 explain user00002; json 4 explain nobody-at-all
json 0 sync; json 0 sync --wait; json 0 sync --dry-run; json 0 sync --full --wait; json 0 audit; json 0 audit --user user00001 --since 1h --verify
json 0 cache; json 0 cache stats; json 0 cache verify; json 0 check user00001; json 0 version
json 0 config check; json 0 config show; json 0 config show --sources; json 0 config options; json 0 reload
echo "# a sync that nobody waits for fetches too"
admin /__churn '{"add":1}' >/dev/null
before=$(scimctl --no-legend list users | wc -l)
scimctl sync >/dev/null
more() { [ "$(scimctl --no-legend list users | wc -l)" -gt "$before" ]; }
tenacious 10 more || { echo 'nothing was fetched' >&2; exit 1; }
scimctl sync --wait >/dev/null
gives 4 lookup nobody-at-all; gives 4 sync --accept-directory other; gives 2 audit --since yesterday-ish
printf '[scimd]\ninterval = soon\nsokcet = /x\n' >"$NS_TMP/bad.conf"
json 1 config check "$NS_TMP/bad.conf"
grep -q 'bad.conf:3:.*did you mean' "$NS_TMP/out"
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
r=0; as_nobody "$BUILD/root/usr/bin/scimctl" sync 2>"$NS_TMP/err" || r=$?
[ "$r" = 5 ]; grep -q 'only root' "$NS_TMP/err"
as_nobody "$BUILD/root/usr/bin/scimctl" status | grep -q '^green'
r=0; as_nobody "$BUILD/root/usr/bin/scimctl" check user00001 2>/dev/null || r=$?
[ "$r" = 4 ]

echo "# what a person sees"
scimctl status >"$NS_TMP/out"
grep -q '^  directory  corp: ok, 401 users, 4 groups' "$NS_TMP/out"; grep -q 'next sync  in' "$NS_TMP/out"; grep -q 'last sync' "$NS_TMP/out"
scimctl list groups | head -n 1 | grep -q '^NAME *GID *MEMBERS'
scimctl --no-legend list groups | head -n 1 | grep -q '^group'
[ -z "$(scimctl -q status)" ]
scimctl explain user00001 >"$NS_TMP/out"
grep -qE 'from .*userName' "$NS_TMP/out" || fail "explain does not name the attribute: $(cat "$NS_TMP/out")"

echo "# each access rule with its result, and what would be"
grep -qE '^  access +deny +not stated' "$NS_TMP/out"; grep -qE '^ +allow +matches' "$NS_TMP/out"
gives 6 explain --if disabled user00001; grep -q 'if disabled: login would be deny (rule: the state of the account)' "$NS_TMP/out"
gives 6 explain user00002; grep -qE '^ +allow +does not match' "$NS_TMP/out"
gives 0 explain --if-group group001 user00002; grep -q 'login would be allow (rule: allow)' "$NS_TMP/out"
gives 0 explain user00002 --if-group "$(scimctl --json explain group001 | sed 's/.*"id":"\([^"]*\)".*/\1/')"
json 6 explain --if disabled --if-group group001 user00002
gives 4 explain --if-group no-such-group user00002; grep -q 'no directory has a group' "$NS_TMP/err"

echo "# who may log in here"
allowed=$(scimctl --json status | sed 's/.*"allowed":\([0-9]*\).*/\1/')
json 0 access report; gives 0 access report --csv --all
[ "$(wc -l <"$NS_TMP/out")" = 402 ]; [ "$(grep -c '"yes"' "$NS_TMP/out")" = "$allowed" ]
if grep -q _scimd_probe "$NS_TMP/out"; then fail "the probe is reported"; fi
gives 0 access report --csv
[ "$(wc -l <"$NS_TMP/out")" = $((allowed + 1)) ]
id=$(scimctl --json explain user00001 | sed 's/.*"kind":"user","id":"\([^"]*\)".*/\1/')
grep -qF "\"user00001\",\"$(id -u user00001)\",\"$id\",\"corp\",\"active\",\"allow\",\"allow\",\"yes\",\"may log in\",\"20" "$NS_TMP/out" || fail "report: $(grep user00001 "$NS_TMP/out")"
echo 'user00001:x:3999:3999::/:/bin/sh' >>/etc/passwd # not published anew yet, or already: no longer the directory's
gives 0 access report --csv
if grep -q '"user00001"' "$NS_TMP/out"; then fail "a local account is reported as the directory's"; fi
sed -i '$d' /etc/passwd
tenacious 20 sh -c 'scimctl access report --csv | grep -q \"user00001\"'
as_nobody "$BUILD/root/usr/bin/scimctl" --json access report | grep -q '"id":null'

echo "# the rules are root's to see"
code=0; as_nobody "$BUILD/root/usr/bin/scimctl" explain --if disabled user00001 >"$NS_TMP/out" 2>&1 || code=$?
[ "$code" = 5 ] || fail "what would be was told to nobody: $code"
as_nobody "$BUILD/root/usr/bin/scimctl" --json explain user00001 >"$NS_TMP/out"
grep -q '"verdict":"allow"' "$NS_TMP/out" || fail 'nobody is told too little'
if grep -q '"rules"' "$NS_TMP/out"; then fail 'the rules were told to nobody'; fi

echo "# colours and progress: on a terminal only"
on_terminal() { script -qec "$*" /dev/null </dev/null | tr '\r' '\n'; }
on_terminal scimctl status | grep -q $'\e\[32mgreen'
if NO_COLOR=1 on_terminal scimctl status | grep -q $'\e\[3'; then fail "NO_COLOR"; fi
on_terminal scimctl sync --wait >"$NS_TMP/out"
grep -qE 'corp: users, [0-9]+ users, 0 groups of 401' "$NS_TMP/out" || fail "no progress: $(cat "$NS_TMP/out")"
grep -q '^nothing changed' <(sed 's/\x1b\[K//g' "$NS_TMP/out")
gives 0 sync --wait; [ ! -s "$NS_TMP/err" ]
if on_terminal scimctl -q sync --wait | grep -q .; then fail "quiet"; fi

echo "# a damaged image: found, and published anew"
before=$(scimctl --json status | sed 's/.*"generation":\([0-9]*\).*/\1/')
gives 0 cache rebuild
[ "$(scimctl --json status | sed 's/.*"generation":\([0-9]*\).*/\1/')" -gt "$before" ]
node -e 'const fs = require("fs"), p = "/var/lib/scimd/accounts.image", b = fs.readFileSync(p), at = b.indexOf("/home/user00042")
  const fd = fs.openSync(p, "r+"); fs.writeSync(fd, "X", at + 1); fs.closeSync(fd)'
json 1 cache verify
gives 1 cache verify; grep -q 'damaged' "$NS_TMP/err"
r=0; getent passwd user00042 >/dev/null || r=$?; [ "$r" != 0 ]
gives 0 cache rebuild; gives 0 cache verify
getent passwd user00042 >/dev/null

echo "# and a start repairs it, too"
scimd_stop
node -e 'const fs = require("fs"), p = "/var/lib/scimd/accounts.image", b = fs.readFileSync(p), at = b.indexOf("/home/user00042")
  const fd = fs.openSync(p, "r+"); fs.writeSync(fd, "X", at + 1); fs.closeSync(fd)'
gives 1 cache verify
scimd_start
gives 0 cache verify
getent passwd user00042 >/dev/null

echo "# with the daemon down"
scimd_stop
gives 3 status; grep -q 'daemon is not running' "$NS_TMP/out"; json 3 status
json 0 lookup user00001; json 0 list users; json 0 cache verify; json 0 explain user00001; json 6 explain user00002
gives 0 explain user00001; grep -q 'need the daemon' "$NS_TMP/out"
gives 4 explain nobody-at-all; grep -q 'needs the daemon' "$NS_TMP/err"
json 0 explain group001; gives 0 explain group001; grep -q '^group001: a group of [0-9]* members' "$NS_TMP/out" || fail "$(cat "$NS_TMP/out")"
as_nobody "$BUILD/root/usr/bin/scimctl" lookup user00001 | grep -q '^user00001:'
json 0 access report; gives 0 access report --csv; grep -q '"user00001",.*,"","","active","allow","allow","yes"' "$NS_TMP/out"
