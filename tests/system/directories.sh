#!/usr/bin/env bash
# Two directories side by side: the first section wins a name, the other record is
# refused and explained, and gets it when it is free; members of a directory group
# get a local group; who left is hidden where that is wanted; a local account that
# comes later takes its name back within a second.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fail() { echo "$*" >&2; scimctl status >&2 || :; tail -n 20 "$NS_TMP/scimd.log" >&2; exit 1; }
scim_start tests/realscim --users 200 --groups 4
first_url=$SCIM_URL first_root=$SCIM_ROOT
scim_start tests/realscim --users 220 --groups 5
second_root=$SCIM_ROOT
conf() {
  cat >/etc/scimd/scimd.conf <<END
[scimd]
interval = 1h
[directory/one]
url = $first_url
token = corp
[directory/two]
url = $SCIM_URL
token = corp
[identity]
local_group.audio = group000
$1
[access]
allow = all
END
}
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
conf ''
scimd_start
named() { [ "$(getent passwd "$1" | cut -d: -f1)" = "$2" ]; }

echo "# the first section wins, the second is refused and says so"
[ "$(getent passwd | grep -c '^user')" = 220 ] || fail "not 220 people"
[ "$(getent group | grep -c '^group')" = 5 ] || fail "not 5 groups"
scimctl explain user00005 >"$NS_TMP/out" || :
grep -q 'of directory "one"' "$NS_TMP/out"; grep -q 'of directory "two"' "$NS_TMP/out"
grep -q '^  refused: .*user00005' "$NS_TMP/out" || fail "$(cat "$NS_TMP/out")"
scimctl status | grep -q '^green'
scimctl status | grep -q '^  directory  two: ok, 220 users'
one=$(id -u user00005) later=$(id -u user00210)
[ "$one" != "$later" ]

echo "# a directory group becomes a local group, without /etc/group being touched"
id -nG user00004 | grep -qw audio || fail "no audio: $(id user00004)"
if id -nG user00005 | grep -qw audio; then fail "user00005 is no member of group000"; fi
if getent group audio | grep -q user00004; then fail "/etc/group"; fi

echo "# one directory away: the other goes on, nobody is lost"
SCIM_ROOT=$second_root admin /__fault '{"kind":"500","count":-1}' >/dev/null
SCIM_ROOT=$first_root admin /__churn '{"deactivate":1,"from":6}' >/dev/null
r=0; scimctl sync --wait 2>"$NS_TMP/err" || r=$?
[ "$r" = 1 ] && grep -q 'directory "two"' "$NS_TMP/err" || fail "sync: $r $(cat "$NS_TMP/err")"
[ "$(getent passwd user00006 | cut -d: -f2)" = '!' ] || fail "user00006 was disabled in directory one"
named user00210 user00210
curl -sf --noproxy '*' -X DELETE "$second_root/__fault" >/dev/null
scimctl sync --wait >/dev/null

echo "# a name that is free passes on, with a number of its own; the old number keeps its owner"
SCIM_ROOT=$first_root admin /__churn '{"remove":1}' >/dev/null
gone=$(id -u user00199)
scimctl sync --wait >/dev/null
[ "$(id -u user00199)" != "$gone" ] || fail "the number was given to somebody else"
named "$gone" "user00199~$gone" || fail "the old number: $(getent passwd "$gone")"
scimctl audit --user user00199 | grep -q . || fail "not in the audit log"

echo "# hidden leavers"
named user00006 user00006
conf 'leaver_nss = hide'
scimctl reload
tenacious 10 bash -c '! getent passwd user00006' || fail "user00006 still resolves"
if getent passwd "$gone"; then fail "a deleted person resolves"; fi
named user00007 user00007

echo "# a local account of the same name"
echo 'user00008:x:4242:4242::/:/bin/sh' >>/etc/passwd
tenacious 3 bash -c '! id -nG user00008 | grep -qw group000' || fail "its groups: $(id user00008)"
[ "$(id -u user00008)" = 4242 ]
sed -i '$d' /etc/passwd
tenacious 3 bash -c 'id -nG user00008 | grep -qw group000' || fail "it does not come back"

echo "# what one directory's brake holds is not confirmed by a change in the other"
confirmed() { scimctl --json access report | grep -o '"confirmed":"[^"]*"' | head -n 1; }
scimctl sync --wait >/dev/null
before=$(confirmed)
SCIM_ROOT=$second_root admin /__churn '{"remove":60}' >/dev/null
SCIM_ROOT=$first_root admin /__churn '{"deactivate":1,"from":9}' >/dev/null
if scimctl sync --wait >"$NS_TMP/out" 2>&1; then fail "nothing was held"; fi
if getent passwd user00009; then fail "user00009 was disabled in directory one"; fi
[ -n "$before" ] && [ "$(confirmed)" = "$before" ] || fail "confirmed: $before, then $(confirmed)"
if scimctl sync --wait --accept-directory two >/dev/null 2>&1; then fail "a removal was accepted that nobody spoke of"; fi
scimctl sync --wait --accept-removals >/dev/null
[ "$(confirmed)" != "$before" ] || fail "not confirmed after it was accepted"
