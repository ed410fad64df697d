#!/usr/bin/env bash
# Somebody is disabled in the directory: on the host every process of theirs ends,
# however it was started, and nobody else's; the audit log tells it. The helper
# refuses everybody whom the image does not lock out, and everybody who asks but its owner.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
chmod 711 "$work"
ip link set lo up
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
failed() { echo "FAILED: $1" >&2; tail -n 30 "$NS_TMP/scimd.log" "$NS_TMP/lockout.log" >&2; scimctl status >&2 || :; ps -eo pid,uid,stat,args >&2; exit 1; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
for who in ann ben cem dan eve; do directory user add "$who@example.com"; done
conf() { # [lockout] lines…
  cat >/etc/scimd/scimd.conf <<CONF
[scimd]
interval = 1h
full_interval = 1h
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
[access]
allow = ${ALLOW:-all}
[lockout]
$(printf '%s\n' "$@")
CONF
}
conf
scimd_start
connected() { [[ $(scimctl --json status) == *'"events":"connected'* ]]; }
tenacious 5 connected || failed 'it does not listen'
quiet() { "$@" >/dev/null 2>&1; }
as() { # NAME COMMAND…
  local who=$1
  shift
  setpriv --reuid "$who" --regid "$who" --clear-groups "$@"
}
count() { pgrep -c -u "$1" || :; }
many() { [ "$(count "$1")" -ge "$2" ]; }
none() { ! pgrep -u "$1" >/dev/null; }
ended() { [[ $(scimctl --json evidence --user "$1") == *'"ended":'* ]]; }
gone() { # NAME: disabled by now; every process ends, and it is told
  tenacious 15 none "$1" || failed "$1 still runs something"
  tenacious 10 ended "$1" || failed "$1 is not in the evidence"
  [[ $(scimctl --json evidence --user "$1") == *'"good":true'* ]] || { scimctl evidence --user "$1" >&2 || :; failed "the evidence on $1 is not good"; }
}

echo '# every way of going on ends, nobody else is touched'
quiet as ben sleep 1000 &
ben=$!
quiet as ann nohup sleep 1000 &
quiet as ann setsid sleep 1000 &
quiet as ann bash -c 'trap "" TERM HUP INT; while :; do read -rt 1 <> <(:) || :; done' &
quiet as ann sleep 1001 &
tenacious 5 pgrep -f 'sleep 1001'
pkill -STOP -f 'sleep 1001'
quiet as ann unshare --user --map-root-user sleep 1002 &
quiet as ann unshare --user --map-root-user unshare --user sleep 1003 &
quiet as ann strace -qq -o /dev/null sleep 1004 &
install -d -o ann -m 700 "$NS_TMP/tmux"
quiet as ann env TMUX_TMPDIR="$NS_TMP/tmux" TERM=xterm tmux new-session -d 'sleep 1005'
quiet script -qc "exec setpriv --reuid ann --regid ann --clear-groups sleep 1006" /dev/null &
# Half theirs: only the saved uid, as a set-user-id program that gave up its rights for now.
quiet setpriv --ruid ann --reuid ann --clear-groups perl -e '$> = 0; sleep 1000' &
tenacious 10 many ann 8 || failed 'too few processes'
scimctl lockout | grep -qx "nobody's processes are to be ended"
directory user disable ann@example.com
gone ann
quiet kill -0 "$ben" || failed 'ben was touched'
scimctl evidence --user ann >"$NS_TMP/out"
grep -q 'the last process was gone' "$NS_TMP/out"
grep -q 'the chain of the audit log is whole' "$NS_TMP/out"
for e in seen published 'sessions ended'; do scimctl audit --user ann | grep -q " $e " || failed "no entry: $e"; done
scimctl status | grep -q '^green' || failed 'not green'
# The directory's store holds the host's report, which came without waiting for the poll's end.
reported() { grep -raq '"denied_at":"[^"]*","ended_at":"' "$NS_TMP/directory"; }
tenacious 10 reported || failed 'the directory was not told'

echo '# whoever was let in a moment before the door closed, and had no process yet'
quiet as ann sleep 1007 &
tenacious 5 many ann 1
tenacious 20 none ann || failed 'nobody looked again'
tenacious 5 grep -q '"ann" .* was locked out: 1 more processes ended' "$NS_TMP/scimd.log" || failed 'it is not told'
count=$(scimctl --json evidence --user ann | sed 's/.*"processes":\([0-9]*\).*/\1/')
[ "$count" -gt 8 ] || failed "the evidence knows of $count processes"
scimctl --json evidence --user ann | grep -q '"good":true' || failed 'the evidence is not good'
scimctl lockout | grep -qx "nobody's processes are to be ended" || failed 'something waits'

echo '# a fork bomb'
cat >"$NS_TMP/bomb" <<'PERL'
$SIG{CHLD} = "IGNORE";
for (1 .. 15) { last unless fork; }
while (1) { my $p = fork; if (defined $p && $p) { exit 0 } select undef, undef, undef, 0.002; }
PERL
quiet as cem perl "$NS_TMP/bomb" &
tenacious 10 many cem 10 || failed 'no bomb'
directory user disable cem@example.com
gone cem

echo '# a root shell of theirs on a terminal ends, one without is named'
if echo 4294967295 >/proc/self/loginuid 2>/dev/null; then
  dan=$(id -u dan)
  quiet script -qc "bash -c 'echo $dan >/proc/self/loginuid; exec sleep 2001'" /dev/null &
  quiet setsid bash -c "echo $dan >/proc/self/loginuid; exec sleep 2002" </dev/null &
  tenacious 5 pgrep -f 'sleep 2002'
  tenacious 5 pgrep -f '^sleep 2001'
  directory user disable dan@example.com
  gone dan
  quiet pgrep -f '^sleep 2001' && failed 'the root shell on a terminal goes on'
  pkill -f '^sleep 2002' || failed 'root without a terminal was ended'
  scimctl evidence --user dan | grep -q 'not ended: sleep' || failed 'not named'
else
  echo '  login uids cannot be set here'
fi

echo '# told first, with a grace time; whoever goes by themselves was asked'
conf 'grace = 20s' 'message = Good bye, see the help desk.'
quiet scimctl reload
cat >"$NS_TMP/polite" <<PERL
\$SIG{HUP} = "IGNORE";
\$SIG{TERM} = sub { open F, ">", "$NS_TMP/asked/it"; close F; exit 0 };
select undef, undef, undef, 0.1 while 1;
PERL
mkdir -m 777 "$NS_TMP/asked"
script -qfc "exec setpriv --reuid eve --regid eve --clear-groups perl $NS_TMP/polite" "$NS_TMP/terminal" >/dev/null 2>&1 </dev/null &
tenacious 5 many eve 1
tenacious 5 connected
directory user disable eve@example.com
gone eve
[ -e "$NS_TMP/asked/it" ] || failed 'it was not asked'
tenacious 5 grep -q 'Good bye, see the help desk' "$NS_TMP/terminal" || { od -c "$NS_TMP/terminal" >&2; failed 'nothing was said'; }

echo '# let in again within the grace time: what did not go by itself stays'
directory user enable eve@example.com
tenacious 10 sh -c 'getent passwd eve | grep -q "^eve:\*:"'
conf 'grace = 3s'
quiet scimctl reload
quiet setpriv --reuid eve --regid eve --clear-groups bash -c "trap : HUP; trap 'touch $NS_TMP/asked/again' TERM; while :; do sleep 0.2; done" &
tenacious 5 many eve 1
tenacious 5 connected
directory user disable eve@example.com
tenacious 5 test -e "$NS_TMP/asked/again" || failed 'it was not asked, the second time'
directory user enable eve@example.com
tenacious 10 grep -q 'does not lock uid .* out' "$NS_TMP/lockout.log" || failed 'the helper does not look again'
many eve 1 || failed 'somebody who may stay was ended'
pkill -KILL -u eve

echo '# what the helper refuses'
cat >"$NS_TMP/ask" <<'PERL'
use IO::Socket::UNIX;
$SIG{PIPE} = "IGNORE";
my $s = IO::Socket::UNIX->new(Peer => "/run/scimd/lockout.sock") or die "error $!\n";
print $s "$ARGV[0]\n";
$s->flush;
print while <$s>;
PERL
ask() { perl "$NS_TMP/ask" "$1"; }
is() { local got; got=$(ask "$1" | tail -n 1); [[ "$got" == "$2"* ]] || failed "\"$1\": \"$got\" instead of \"$2\""; }
is "end 0 0 left " 'refused reserved'
is "end 65534 0 left " 'refused reserved'
is "end 2147352575 0 left " 'refused reserved' # the probe
is "end 999 0 left " 'refused reserved'
is "end $(id -u ben) 0 left " 'refused active'
is "end $(id -u ben) 0 policy " 'refused active'
is "end 1900000000 0 left " 'refused unknown'
is "end $(id -u ann) 0 left hello" 'done'
for bad in '' end 'end ' "end $(id -u ann)" "end $(id -u ann) 0" "end $(id -u ann) 0 left" "end -1 0 left " 'end 4294967296 0 left ' \
  "end $(id -u ann) 600001 left " "end 1e3 0 left " "end $(id -u ann) 0 other " "kill $(id -u ann) 0 left " "$(printf 'x%.0s' {1..2000})"; do
  is "$bad" 'refused request'
done
# A local account of a leaver's number, before scimd has noticed it.
scimd_stop
ann=$(id -u ann)
echo "local:x:$ann:100::/:/bin/sh" >>/etc/passwd
quiet setpriv --reuid "$ann" --clear-groups sleep 1000 &
local=$!
is "end $ann 0 left " 'refused local'
quiet kill -0 "$local" || failed 'a local process was ended'
sed -i '/^local:/d' /etc/passwd
chmod 666 /run/scimd/lockout.sock
as ben perl "$NS_TMP/ask" "end $ann 0 left " | grep -q '^refused caller' || failed 'somebody else may ask'
quiet kill -0 "$local" || failed 'and was served'
# A client that says nothing holds nobody up.
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => "/run/scimd/lockout.sock"); sleep 60' &
mute=$!
is "end $ann 0 left " 'done'
quiet kill -0 "$local" && failed 'it was not ended'
kill "$mute"

echo '# what it cannot know'
image=/var/lib/scimd/accounts.image
cp -p "$image" "$NS_TMP/image"
mv "$image" "$image.away"; is "end $ann 0 left " 'failed /var/lib/scimd/accounts.image cannot be read'
head -c 5000 /dev/urandom >"$image"; is "end $ann 0 left " 'failed /var/lib/scimd/accounts.image cannot be read: it is damaged'
cp -p "$NS_TMP/image" "$image"; chmod 666 "$image"; is "end $ann 0 left " 'failed'
chmod 644 "$image"; chown ben "$image"; is "end $ann 0 left " 'failed'
chown root "$image"; mv /etc/passwd /etc/passwd.away; is "end $ann 0 left " 'failed /etc/passwd cannot be read'
mv /etc/passwd.away /etc/passwd; is "end $ann 0 left " 'done'
rm -f "$image"; mv "$image.away" "$image"

echo '# no image, or a damaged one, when somebody leaves: what was known of them counts'
conf
for who in fay gil; do
  directory user add "$who@example.com"
  quiet scimd --once || failed "$who is not served"
  quiet as "$who" sleep 1000 &
  tenacious 5 many "$who" 1
  if [ "$who" = fay ]; then rm "$image"; else head -c 5000 /dev/urandom >"$image"; fi
  directory user disable "$who@example.com"
  scimd --once 2>"$NS_TMP/scimd.log" || failed "a round without the image for $who"
  none "$who" || failed "$who still runs something"
  grep -q "\"$who\" .* was locked out: 1 processes ended" "$NS_TMP/scimd.log" || failed "it is not told of $who"
done

echo '# a publish that fails, again and again: noted once, and ended when the door is closed'
directory user add hal@example.com
quiet scimd --once || failed 'hal is not served'
quiet as hal sleep 1000 &
tenacious 5 many hal 1
mount --bind "$image" "$image" # nothing can be renamed to there
directory user disable hal@example.com
for _ in 1 2 3; do
  if scimd --once 2>"$NS_TMP/scimd.log"; then failed 'it was published all the same'; fi
done
many hal 1 || failed 'hal was ended while the door was open'
umount "$image"
scimd_start
gone hal
[ "$(scimctl --json audit --user hal | grep -o '"event":"seen"' | wc -l)" = 1 ] || failed 'seen more than once'
