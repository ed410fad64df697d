#!/usr/bin/env bash
# What happens to people runs the host's own programs: each event once, as nobody, with
# its JSON and nothing else; a program that fails is tried again, one that hangs is killed
# with all it started and holds up no lock-out; what is not root's alone is not run;
# and a restart of scimd loses nothing.
set -euo pipefail
command -v jq >/dev/null || { echo 'jq is not installed'; exit 77; }
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
chmod 711 "$work"
ip link set lo up
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
failed() { echo "FAILED: $1" >&2; tail -n 30 "$NS_TMP/scimd.log" "$NS_TMP/hook.log" >&2; scimctl status >&2 || :; cat "$out"/* >&2 || :; exit 1; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
cat >/etc/scimd/scimd.conf <<CONF
[scimd]
interval = 1h
full_interval = 1h
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
events = off
[access]
allow = all
[hooks]
timeout = 4s
CONF
out=$NS_TMP/out
install -d -m 777 "$out"
mkdir -p /etc/scimd/hooks.d
put() { cat >"/etc/scimd/hooks.d/$1"; chmod 755 "/etc/scimd/hooks.d/$1"; } # NAME, from standard input
sync() { scimctl sync --wait >/dev/null; }
events() { jq -rs "[.[]|select($1)]|length" "$out/all"; } # FILTER: how many
come() { [ "$(events "$1")" -ge 1 ]; }
idle() { [ "$(jq '.hooks.waiting' <<<"$(scimctl --json status)")" = 0 ]; }
one() { tenacious 10 come "$1" || failed "no event with $1"; tenacious 10 idle || failed 'events wait'; [ "$(events "$1")" = 1 ] || failed "not once: $1"; }
: >"$out/all"
chmod 666 "$out/all"
put 10-all <<HOOK
#!/bin/bash
{ id -u; tr '\0' '\n' </proc/self/environ | wc -c; pwd; } >"$out/who"
event=\$(cat)
printf '%s\n' "\$event" >>"$out/all"
echo "a word for the journal"
HOOK

echo '# somebody appears: it runs as nobody, with the event and nothing else'
hook_start
for who in ann yan zoe; do directory user add "$who@example.com"; done
scimd_start
one '.event=="create" and .name=="ann"'
[ "$(tr '\n' ' ' <"$out/who")" = "$(id -u nobody) 0 / " ] || failed "who: $(cat "$out/who")"
tenacious 5 grep -q 'a word for the journal' "$NS_TMP/hook.log" || failed 'its output is lost'
uid=$(getent passwd ann | cut -d: -f3)
jq -es --argjson uid "$uid" 'any(.[]; .name=="ann" and .schema==1 and .directory=="corp" and .userName=="ann@example.com" and .uid==$uid
  and .gid==$uid and .home=="/home/ann" and (.id|length)>0 and (.time|endswith("Z")) and .before==null
  and .after.active and .after.shell=="/bin/bash")' "$out/all" >/dev/null || failed 'not the right event'
sync
[ "$(wc -l <"$out/all")" = 3 ] || failed 'more than one event each'

echo '# every event once, with what changed'
patch() { # JSON
  curl -sf --noproxy '*' -o /dev/null -X PATCH -H "Authorization: Bearer $write" -H 'Content-Type: application/scim+json' \
    "http://127.0.0.1:$port/scim/v2/Users/$id" -d "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{\"op\":\"replace\",\"value\":$1}]}" || failed "PATCH $1"
}
write=$(directory token create --name admin --scope write)
id=$(jq -r 'select(.name=="ann").id' "$out/all")
patch '{"displayName":"Ann \"the $(boss)\" O'"'"'Hara"}'
sync
one '.event=="change" and .after.displayName=="Ann \"the $(boss)\" O'"'"'Hara" and (.before|has("home")|not)'
patch '{"userName":"anna@example.com"}'
sync
one '.event=="change" and .name=="anna" and .home=="/home/anna" and .before.home=="/home/ann" and .before.name=="ann" and .after.userName=="anna@example.com"'
directory user disable anna@example.com
sync
one '.event=="disable" and .name=="anna" and .before.active and .after.active==false'
directory user enable anna@example.com
sync
one '.event=="enable" and .name=="anna" and .before.active==false and .after.active'
directory user delete anna@example.com
sync
one '.event=="delete" and .name=="anna" and .home=="/home/anna" and .after==null and .before.active'
[ "$(jq -r --argjson uid "$uid" 'select(.uid==$uid).event' "$out/all" | tr '\n' ' ')" = 'create change change disable enable delete ' ] || failed 'not in order'

echo '# one that fails is tried again, alone; the others are not'
put 20-fails <<HOOK
#!/bin/bash
jq -r .name >>"$out/fails"
[ -e "$out/good" ]
HOOK
directory user add ben@example.com
sync
tenacious 10 grep -q ben "$out/fails" || failed 'it was not run'
yellow() { [[ $(scimctl status) == yellow*20-fails* ]]; }
tenacious 2 yellow || failed 'status does not name it'
scimd_stop
scimd_start # which knows what was done already
touch "$out/good"
tenacious 20 idle || failed 'it still waits'
[ "$(grep -c ben "$out/fails")" -ge 2 ] || failed 'it is not tried again'
[ "$(events '.name=="ben"')" = 1 ] || failed 'the one that was done was run again'
[[ $(scimctl status) == green* ]] || failed 'not green again'
rm /etc/scimd/hooks.d/20-fails
put 20-never <<HOOK
#!/bin/bash
echo x >>"$out/never"
exit 100
HOOK
directory user add bill@example.com
sync
one '.name=="bill"'
[ "$(wc -l <"$out/never")" = 1 ] || failed 'it wanted no other try'
[[ $(scimctl status) == *'1 failed for good'* ]] || failed 'status does not tell of it'
rm /etc/scimd/hooks.d/20-never

echo "# what is not root's alone is not run, and named"
put 30-theirs <<HOOK
#!/bin/bash
echo "\$0" >>"$out/refused"
HOOK
for n in 31-writable 32-file 34.dot; do cp -p /etc/scimd/hooks.d/30-theirs "/etc/scimd/hooks.d/$n"; done
chown nobody /etc/scimd/hooks.d/30-theirs
chmod 775 /etc/scimd/hooks.d/31-writable
chmod 644 /etc/scimd/hooks.d/32-file
ln -s 10-all /etc/scimd/hooks.d/33-link
directory user add carl@example.com
sync
one '.name=="carl"'
[ ! -e "$out/refused" ] || failed "it was run: $(cat "$out/refused")"
[ "$(scimctl --json status | jq -r '.hooks.refused|map(split(":")[0])|join(" ")')" = '30-theirs 31-writable 32-file 33-link 34.dot' ] || failed 'not all are named'
[[ $(scimctl status) == yellow* ]] || failed 'not yellow'
rm /etc/scimd/hooks.d/3*
chmod 777 /etc/scimd/hooks.d
[[ $(scimctl status) == yellow*'others than root may write'* ]] || failed 'the folder is believed'
chmod 755 /etc/scimd/hooks.d

echo '# one that hangs is killed with all it started, and holds up no lock-out and no sync'
directory user add dan@example.com
sync
one '.name=="dan" and .event=="create"'
put 05-hangs <<HOOK
#!/bin/bash
trap '' TERM HUP
setsid bash -c 'setsid sleep 4001 & setsid sleep 4002' &
echo x >>"$out/hangs"
while :; do read -rt 1 <> <(:) || :; done
HOOK
setpriv --reuid dan --regid dan --clear-groups sleep 1000 >/dev/null 2>&1 &
tenacious 5 pgrep -u dan
directory user add eve@example.com
sync
tenacious 10 pgrep -f 'sleep 4001' || failed 'it does not hang'
directory user disable dan@example.com
sync
none() { ! pgrep -u "$1" >/dev/null; }
tenacious 3 none dan || failed 'the lock-out waited'
pgrep -f 'sleep 4001' >/dev/null || failed 'the hook was over before the lock-out'
ended() { ! pgrep -f 'sleep 400[12]|05-hangs' >/dev/null; }
tenacious 10 ended || failed 'what it started goes on'
[[ $(scimctl status) == *'ran longer'* ]] || failed 'status does not say that it hangs'
rm /etc/scimd/hooks.d/05-hangs
one '.name=="dan" and .event=="disable"'
one '.name=="eve"'

echo '# a restart loses nothing, and only what was under way comes twice'
put 10-slow <<HOOK
#!/bin/bash
[ "\$(jq -r .name)" != f0 ] || [ -e "$out/go" ] || { touch "$out/slow"; exec sleep 1.5; }
HOOK
rm "$out/good"
hook_stop
for i in {0..5}; do directory user add "f$i@example.com"; done
sync
waits() { [ "$(scimctl --json status | jq .hooks.waiting)" = 6 ]; }
waits || failed 'not six are queued'
[[ $(scimctl status) == yellow*hook.sock* ]] || failed 'it does not say what is missing'
scimd_stop
hook_start
scimd_start
tenacious 10 test -e "$out/slow" || failed 'the first is not under way'
kill -KILL "$SCIMD_PID"
wait "$SCIMD_PID" 2>/dev/null || :
touch "$out/go"
scimd_start
tenacious 20 idle || failed 'some still wait'
twice=0
for i in {0..5}; do
  n=$(events ".name==\"f$i\" and .event==\"create\"")
  [ "$n" = 1 ] || { [ "$n" = 2 ] && twice=$((twice + 1)); } || failed "f$i: $n times"
done
[ "$twice" -ge 1 ] && [ "$twice" -le 4 ] || failed "$twice came twice" # four at a time
rm /etc/scimd/hooks.d/10-slow

echo '# with --once each is run before it ends; what failed waits for the next time'
scimd_stop
once() { scimd --once 2>>"$NS_TMP/scimd.log" || failed 'scimd --once'; }
directory user add gus@example.com
once
[ "$(events '.name=="gus" and .event=="create"')" = 1 ] || failed '--once ended before the hook'
rm -f "$out/fails" "$out/good"
put 20-fails <<HOOK
#!/bin/bash
jq -r .name >>"$out/fails"
[ -e "$out/good" ]
HOOK
directory user add hal@example.com
once
[ "$(grep -c hal "$out/fails")" = 1 ] || failed '--once does not try once'
once
touch "$out/good"
scimd_start
tenacious 20 idle || failed 'what failed with --once is not tried again'
[ "$(events '.name=="hal" and .event=="create"')" = 1 ] || failed 'the one that was done was run again'

echo '# when the retries are used up it is given up, and put on record'
rm "$out/fails" "$out/good"
sed -i 's/^timeout = 4s/&\nretries = 2/' /etc/scimd/scimd.conf
scimd_stop
scimd_start
directory user add ida@example.com
sync
tenacious 20 idle || failed 'it is not given up'
[ "$(grep -c ida "$out/fails")" = 3 ] || failed "tried $(grep -c ida "$out/fails") times, not 3"
[[ $(scimctl status) == *'1 failed for good'* ]] || failed 'status does not tell of it'
scimctl audit --user ida | grep -q 'hook failed' || failed "not on record: $(scimctl audit --user ida)"
rm /etc/scimd/hooks.d/20-fails

echo '# the examples: archive-home, rename-home and set-aside-home'
mount -t tmpfs -o mode=755 tmpfs /home
run() { env -i "packaging/hooks/$1" <<<"$2" >"$NS_TMP/example" 2>&1; }
refused() { local r=0; run "$1" "$2" || r=$?; [ "$r" = 100 ] || failed "$1 $2: $r: $(cat "$NS_TMP/example")"; }
install -d -o 70001 "/home/ann" /home/bob
echo mine >/home/ann/file
ln -s /etc/passwd /home/ann/link
ln -s /home/bob /home/link
renamed() { echo "{\"event\":\"change\",\"uid\":70001,\"before\":{\"home\":\"$1\"},\"after\":{\"home\":\"$2\"}}"; }
run rename-home "$(renamed /home/ann /home/anna)" || failed 'rename-home'
[ -e /home/anna/file ] && [ ! -e /home/ann ] || failed 'not renamed'
run rename-home "$(renamed /home/ann /home/anna)" || failed 'rename-home, once more'
for bad in /etc /home/../etc /home/link /home/bob /home/.x /home/a/b '/home/$(touch x)' /home/; do refused rename-home "$(renamed /home/anna "$bad")"; done
for bad in /etc /home/../etc /home/link /home '/home/a b'; do refused rename-home "$(renamed "$bad" /home/new)"; done
refused rename-home "$(renamed /home/anna /home/new | sed s/70001/70002/)"
deleted() { echo "{\"event\":\"delete\",\"uid\":70001,\"home\":\"$1\"}"; }
for bad in /etc /home/../etc /home/link /home/.x /home/a/b /home/; do refused archive-home "$(deleted "$bad")"; done
refused archive-home "$(deleted /home/anna | sed s/70001/0/)"
[ -e /home/anna/file ] && [ -d /home/bob ] && [ -L /home/link ] && [ -d /etc ] || failed 'refused, and touched'
run archive-home "$(deleted /home/anna)" || failed "archive-home: $(cat "$NS_TMP/example")"
[ ! -e /home/anna ] && [ -s /etc/passwd ] || failed 'not taken away'
[ "$(tar -xzOf /home/.archive/anna-70001-*.tar.gz anna/file)" = mine ] || failed 'not in the archive'
[[ $(tar -tvzf /home/.archive/anna-70001-*.tar.gz) == *'anna/link -> /etc/passwd'* ]] || failed 'a link was followed'
[ "$(stat -c %a /home/.archive /home/.archive/*)" = $'700\n600' ] || failed 'others may read it'
run archive-home "$(deleted /home/anna)" || failed 'archive-home, once more'

echo '# archive-home that is killed at its time limit, again and again, leaves no more than one attempt'
install -d -o 70001 /home/big
head -c 64M /dev/urandom >/home/big/file
chown 70001 /home/big/file
archives() { find /home/.archive -mindepth 1 -maxdepth 1 -name "*big*"; }
grows() { [ -n "$(find /home/.archive -name '*big*' -size +0 -newer "$NS_TMP/began")" ]; }
later() { [ "$(date +%s)" != "$second" ]; } # names with the time in them differ
second=''
whole() { [[ $(archives) != *.new* && $(archives) != *.gone* ]]; }
for i in 1 2 3; do
  tenacious 5 later
  second=$(date +%s)
  : >"$NS_TMP/began"
  setsid env -i packaging/hooks/archive-home <<<"$(deleted /home/big)" >"$NS_TMP/example" 2>&1 &
  killed=$!
  tenacious 10 grows || failed 'it does not begin'
  kill -KILL -- "-$killed" # as scim-hook does: nothing of it can tidy up
  wait "$killed" 2>/dev/null || :
  [ -s /home/big/file ] || failed 'half an archive, and the home is gone'
  [ "$(archives | wc -l)" = 1 ] || failed "they pile up: $(archives)"
done
run archive-home "$(deleted /home/big)" || failed "after all: $(cat "$NS_TMP/example")"
whole && [ ! -e /home/big ] || failed "left: $(archives)"
gzip -t /home/.archive/big-70001-*.tar.gz || failed 'the archive is not whole'
# Killed while it took the home away: that goes on, and what is left of it is not packed.
mkdir /home/.archive/.big-70001.gone
echo x >/home/.archive/.big-70001.gone/rest
run archive-home "$(deleted /home/big)" || failed 'the rest of a home'
whole || failed "left: $(archives)"

echo '# set-aside-home: away while somebody is disabled, back afterwards'
event() { echo "{\"event\":\"$1\",\"uid\":70001,\"home\":\"$2\"}"; }
install -d -o 70001 /home/ann
echo mine >/home/ann/file
run set-aside-home "$(event create /home/ann)" && run set-aside-home "$(event change /home/ann)" || failed 'other events'
[ -e /home/ann/file ] || failed 'another event moved it'
for bad in /etc /home/../etc /home/link /home/.x /home/a/b /home/; do refused set-aside-home "$(event disable "$bad")"; done
refused set-aside-home "$(event disable /home/ann | sed s/70001/70002/)"
refused set-aside-home "$(event disable /home/ann | sed s/70001/0/)"
run set-aside-home "$(event disable /home/ann)" || failed "$(cat "$NS_TMP/example")"
[ ! -e /home/ann ] && [ -e /home/.left/ann-70001/file ] && [ "$(stat -c %a /home/.left)" = 700 ] || failed 'not set aside'
run set-aside-home "$(event disable /home/ann)" || failed 'once more'
install -d -o 70001 /home/ann # somebody made another
refused set-aside-home "$(event disable /home/ann)"
refused set-aside-home "$(event enable /home/ann)"
rmdir /home/ann
run set-aside-home "$(event enable /home/anna)" || failed "$(cat "$NS_TMP/example")" # renamed meanwhile
[ "$(cat /home/anna/file)" = mine ] && [ -z "$(ls /home/.left)" ] || failed 'not back'
run set-aside-home "$(event enable /home/anna)" || failed 'once more'
run set-aside-home "$(event delete /home/anna)" || failed "$(cat "$NS_TMP/example")"
[ ! -e /home/anna ] && [ -e /home/.left/anna-70001/file ] || failed 'not set aside when deleted'
chmod 755 /home/.left
refused set-aside-home "$(event enable /home/anna)"
umount /home

echo '# nobody but the image owner is served, and nonsense is not'
chmod 666 /run/scimd/hook.sock
# The answer may be there, and the other end closed, before all is said.
cat >"$NS_TMP/say" <<'PERL'
use IO::Socket::UNIX;
$SIG{PIPE} = "IGNORE";
$s = IO::Socket::UNIX->new("/run/scimd/hook.sock") or exit 1;
print $s $ARGV[0];
$s->flush;
$s->shutdown(1);
print <$s>;
PERL
chmod 755 "$NS_TMP" "$work" "$work/ns"
say() { perl "$NS_TMP/say" "$1"; }
[[ $(say 'nonsense') == failed* ]] || failed 'nonsense is served'
for bad in $'run 0 2\n\n{}' $'run 1000 99999999\n\n{}' $'run 1000 5\n\n{}' $'run 1000 2\n\n{}}'; do
  [[ $(say "$bad") == 'failed * the request'* ]] || failed "served: $bad"
done
[[ $(say $'run 1000 2\n\n{}') == *over* ]] || failed 'a good request is not served'
[[ $(setpriv --reuid 65534 --regid 65534 --clear-groups perl "$NS_TMP/say" $'run 1000 2\n\n{}') == 'failed * uid 65534'* ]] ||
  failed 'a stranger is served'
scimd_stop
