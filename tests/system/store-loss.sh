#!/usr/bin/env bash
# The store is lost: the image stays until the directory has been read, numbers
# come back to their owners and to nobody else.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
conf() {
  cat >/etc/scimd/scimd.conf <<EOF
[directory/corp]
url = $SCIM_URL
token = corp
timeout = 1s
[access]
allow = all
EOF
}
state=/var/lib/scimd

echo "# people, one of whom leaves for good"
scim_start tests/realscim --users 40 --groups 3 --posix
conf
scimd --once
admin /__churn '{"remove":1}' >/dev/null
scimd --once
gone=$(getent passwd | awk -F: '$7 == "/usr/sbin/nologin" { print $3 }' | head -n 1)
left=$(getent passwd user00039 | cut -d: -f3)
getent passwd >"$NS_TMP/before"
getent group >>"$NS_TMP/before"
[ -n "$left" ]

echo "# damaged while the directory is away: the image stays as it is"
scim_stop
dd if=/dev/urandom of=$state/private/data.mdb bs=4096 count=2 conv=notrunc status=none
r=0; scimd --once 2>"$NS_TMP/log" || r=$?
[ "$r" != 0 ]
grep -q 'moved aside' "$NS_TMP/log"
grep -q 'taken over from the image' "$NS_TMP/log"
{ getent passwd; getent group; } | cmp - "$NS_TMP/before"
ls -d $state/private/damaged-* >/dev/null

echo "# the directory is back: everybody has their number, the leaver keeps theirs"
scim_start tests/realscim --users 39 --groups 3 --posix
conf
scimd --once
{ getent passwd; getent group; } >"$NS_TMP/after"
cmp "$NS_TMP/before" "$NS_TMP/after"
[ "$(getent passwd "$left" | cut -d: -f1,7)" = user00039:/usr/sbin/nologin ]
scimd --once
{ getent passwd; getent group; } | cmp - "$NS_TMP/before"
scim_stop

echo "# somebody else is given the leaver's number: refused"
scim_start tests/realscim --users 40 --groups 3 --posix
conf
rm -rf $state/private
admin /__churn '{"rename":1,"from":39}' >/dev/null
scimd --once 2>"$NS_TMP/log"
[ "$(getent passwd "$left" | cut -d: -f1,7)" = user00039:/usr/sbin/nologin ]
grep -q "number $left belongs to" "$NS_TMP/log"
[ -n "${gone:-x}" ]
scim_stop

echo "# lost, and then fewer answer than the image knows: nobody is taken away for it"
scim_start tests/realscim --users 20 --groups 3 --posix
conf
getent passwd >"$NS_TMP/before"
rm -rf $state/private
r=0; scimd --once 2>"$NS_TMP/log" || r=$?
[ "$r" != 0 ] || { echo "the image was replaced" >&2; exit 1; }
grep -q 'people whom the image knows are in no directory' "$NS_TMP/log" || { cat "$NS_TMP/log" >&2; exit 1; }
getent passwd | cmp - "$NS_TMP/before"
scimd_start
scimctl sync --wait --accept-removals >/dev/null
[ "$(getent passwd | awk -F: '$2 == "*"' | wc -l)" = 19 ] || { getent passwd >&2; exit 1; }
scimctl sync --wait >/dev/null
scimctl status | grep -q '^green'
scimd_stop

echo "# and a directory that comes later and never answers keeps nobody in"
sed -i '1i [directory/two]\nurl = http://127.0.0.1:1/scim/v2\ntoken = corp\ntimeout = 1s' /etc/scimd/scimd.conf
admin /__churn '{"deactivate":1,"from":3}' >/dev/null
scimd_start
locked() { [ "$(getent passwd user00003 | cut -d: -f2)" = '!' ]; }
tenacious 20 locked || { scimctl status >&2; cat "$NS_TMP/scimd.log" >&2; exit 1; }
scimd_stop
sed -i '1,4d' /etc/scimd/scimd.conf

echo "# any page of the store damaged, at rest: found at the start, moved aside, nobody harmed"
scimd --once 2>/dev/null
cp -r $state/private "$NS_TMP/good"
getent passwd >"$NS_TMP/before"
pages=$(($(stat -c %s $state/private/data.mdb) / 4096)) moved=0
[ "$pages" -gt 20 ]
for p in $(seq 0 "$pages"); do
  [ "$p" -lt "$pages" ] || continue
  [ $((p % ${PAGE_STEP:-3})) = 0 ] || [ "${NIGHTLY:-no}" = yes ] || continue
  rm -rf $state/private
  cp -r "$NS_TMP/good" $state/private
  dd if=/dev/urandom of=$state/private/data.mdb bs=4096 count=1 seek="$p" conv=notrunc status=none
  r=0; scimd --once 2>"$NS_TMP/log" || r=$?
  [ "$r" = 0 ] || { echo "page $p: exit $r" >&2; cat "$NS_TMP/log" >&2; exit 1; }
  getent passwd | cmp - "$NS_TMP/before" || { echo "page $p" >&2; exit 1; }
  if grep -q 'moved aside' "$NS_TMP/log"; then moved=$((moved + 1)); fi
done
echo "  $moved of $((pages / ${PAGE_STEP:-3})) were moved aside, the others' pages were free"
[ "$moved" -gt 3 ]

echo "# a daemon that met one: red until all has been read again; and without an image it says what is lost"
rm -rf $state/private
cp -r "$NS_TMP/good" $state/private
dd if=/dev/urandom of=$state/private/data.mdb bs=4096 count=2 conv=notrunc status=none
admin /__fault '{"kind":"500","count":-1}' >/dev/null
scimd_start
[[ $(scimctl status) == red* ]] || { scimctl status >&2; exit 1; }
getent passwd | cmp - "$NS_TMP/before"
curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__fault" >/dev/null
scimctl sync --wait >/dev/null
[[ $(scimctl status) == green* ]] || { scimctl status >&2; exit 1; }
scimd_stop
dd if=/dev/urandom of=$state/private/data.mdb bs=4096 count=2 conv=notrunc status=none
head -c 5000 /dev/urandom >$state/accounts.image
scimd --once 2>"$NS_TMP/log" || { cat "$NS_TMP/log" >&2; exit 1; }
grep -q 'neither store nor image can be read' "$NS_TMP/log" || { cat "$NS_TMP/log" >&2; exit 1; }
getent passwd | grep -v nologin | cmp - <(grep -v nologin "$NS_TMP/before")
