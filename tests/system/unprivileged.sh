#!/usr/bin/env bash
# A person without privileges tries everything against the files and the process
# of a running scimd while root's processes look up and syncs run: nothing works
# that must not, no lookup fails, none takes long, every sync goes through.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ask=$BUILD/tests/system/nss_ask attack=$BUILD/tests/system/attack
scim_start tests/realscim --users 200 --groups 5
printf '[scimd]\ninterval = 1h\n[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
scimd_start
cp "$attack" /run/attack # where an ordinary user finds it

echo "# what is there, and in the attacker's reach by name"
mapfile -t paths < <(find /var/lib/scimd /run/scimd /etc/scimd -not -path '*/private/?*' -not -path '*/credentials.d/?*')
# Names of the next publish, and those behind folders that stay shut.
paths+=(/var/lib/scimd/accounts.image.tmp /var/lib/scimd/accounts.image.old)
mapfile -t -O ${#paths[@]} paths < <(find /var/lib/scimd/private /etc/scimd/credentials.d -mindepth 1)
[[ " ${paths[*]} " == *"/accounts.image "* && " ${paths[*]} " == *"/private/"* ]]
[[ " ${paths[*]} " == *"/scimd.sock "* && " ${paths[*]} " == *"/credentials.d/corp "* ]]
list() { find /var/lib/scimd /run/scimd /etc/scimd -printf '%p %u:%g %M %l %n\n' | sort; }
list >"$NS_TMP/before"

echo "# all at once"
users=(user00001 user00002) readers=()
[ "${NIGHTLY:-no}" = no ] || users+=(user00003 user00004)
for user in "${users[@]}"; do
  "$ask" -l "$user" >/dev/null 2>"$NS_TMP/reader.$user" &
  readers+=($!)
done
# Its share of the processor is not what this is about.
nice -n 19 setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
  /run/attack -p "$SCIMD_PID" "${paths[@]}" >"$NS_TMP/attack.out" 2>"$NS_TMP/attack.err" &
attacker=$!
tenacious 30 grep -qx ready "$NS_TMP/attack.out"
for i in 10 20 30; do
  admin /__churn "{\"deactivate\":1,\"from\":$i}" >/dev/null
  scimctl sync --wait >"$NS_TMP/out"
  if grep -q '^nothing changed' "$NS_TMP/out"; then exit 1; fi
  [ "$(getent passwd "user000$i" | cut -d: -f2)" = '!' ]
done
kill "$attacker"
r=0; wait "$attacker" || r=$?
cat "$NS_TMP/attack.err"
[ "$r" = 0 ]
for i in "${!readers[@]}"; do
  kill "${readers[i]}"
  r=0; wait "${readers[i]}" || r=$?
  cat "$NS_TMP/reader.${users[i]}"
  [ "$r" = 0 ]
done
list >"$NS_TMP/after"
diff -u "$NS_TMP/before" "$NS_TMP/after"

echo "# the attack is one: on a folder that is not protected it does harm"
install -d -m777 /run/open
install -m666 /dev/null /run/open/file
r=0
setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs /run/attack /run/open/file /run/open >/dev/null 2>"$NS_TMP/out" || r=$?
[ "$r" = 1 ]
grep -q 'O_RDWR succeeded' "$NS_TMP/out"; grep -q 'truncate succeeded' "$NS_TMP/out"
grep -q 'in it succeeded' "$NS_TMP/out"
