#!/usr/bin/env bash
# scimctl doctor: a host on which all is well has nothing to mend; each thing a person
# gets wrong is named, and the command that is printed mends it.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
. tests/system/doors.sh
ns_begin "$0"
doors_prepare "$BUILD"
doors_directory ann ben
install -m644 packaging/sshd_config.d/10-scimd.conf /etc/ssh/sshd_config.d/
ls /etc/ssh/ssh_host_ed25519_key >/dev/null 2>&1 || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
export DEBIAN_FRONTEND=noninteractive
scimd_start
out=$NS_TMP/doctor
fail() { echo "doctor: $1" >&2; cat "$out" >&2; exit 1; }
is() { # CHECK RESULT [WORDS]
  local code=0
  scimctl doctor "$1" >"$out" 2>&1 || code=$?
  grep -qE "^$2 +$1 " "$out" || fail "$1 is not $2"
  [ -z "${3:-}" ] || grep -qF -- "$3" "$out" || fail "$1 does not say: $3"
  case $2 in FAILED) [ "$code" = 1 ] ;; *) [ "$code" = 0 ] ;; esac || fail "$1: exit status $code"
}
# The printed command, as far as it does not speak to systemd, which does not run here.
mend() { # [what is left out of it]
  local command
  command=$(sed -n 's/^ *mend: //p' "$out" | sed 's/; systemctl reload ssh$//')
  command=${command%"${1:-}"}
  [ -n "$command" ] || fail 'no command'
  bash -c "$command" >/dev/null 2>&1 || fail "the command fails: $command"
}

echo "# all is well"
scimctl doctor >"$out" || fail 'something is wrong on a good host'
! grep -q FAILED "$out" || fail 'something failed'
[ "$(grep -c '^ok ' "$out")" -ge 15 ] || fail 'too little was looked at'
scimctl --json doctor >"$out"
node -e 'const o = JSON.parse(require("fs").readFileSync(0)); if (!o.good || o.checks.length < 18 || o.checks.some((c) => !c.text || c.result === "failed")) process.exit(1)' <"$out" || fail json
code=0; scimctl doctor pam nonsense >"$out" 2>&1 || code=$?
[ "$code" = 2 ] || fail 'an unknown check'
grep -q '^  nsswitch ' "$out" || fail 'it does not say which checks there are'
[ "$(scimctl -q doctor | grep -c '^ok')" = 0 ]

echo "# nsswitch.conf"
for line in 'passwd: files' 'passwd: files # all' 'passwd: scim files' 'passwd: files [NOTFOUND=return] scim' 'passwd:'; do
  sed -i "s/^passwd:.*/$line/" /etc/nsswitch.conf
  is nsswitch FAILED passwd:
  mend
  is nsswitch ok
  [ "$(getent passwd ann | cut -d: -f1)" = ann ] || fail "after mending $line nobody is found"
done
sed -i '/^group:/d' /etc/nsswitch.conf
is nsswitch FAILED 'group: no line'; mend; is nsswitch ok
echo 'initgroups: files' >>/etc/nsswitch.conf
is nsswitch FAILED initgroups:; mend; is nsswitch ok
sed -i '/^initgroups:/d' /etc/nsswitch.conf
sed -i 's/^passwd:.*/passwd: files/' /etc/nsswitch.conf
is lookup FAILED 'not found through glibc'
is pam skipped 'not found'
sed -i 's/^passwd:.*/passwd: files [NOTFOUND=continue] scim/' /etc/nsswitch.conf # ends nothing
is nsswitch ok; is lookup ok

echo "# an nsswitch.conf that another program writes"
mkdir /etc/authselect
sed 's/^passwd:.*/passwd: files/' /etc/nsswitch.conf >/etc/authselect/nsswitch.conf
cp /etc/nsswitch.conf "$NS_TMP/nsswitch.good"
ln -sf authselect/nsswitch.conf /etc/nsswitch.conf
is nsswitch FAILED 'is a link'
! grep -q mend: "$out" || fail 'the link would be replaced'
printf '#!/bin/sh\necho "$*" >/run/authselect\n' >/usr/sbin/authselect
chmod +x /usr/sbin/authselect
is nsswitch FAILED 'authselect writes'; mend
[ "$(cat /run/authselect)" = 'select scim with-mkhomedir --force' ] || fail 'not by authselect'
rm -r /usr/sbin/authselect /etc/authselect /etc/nsswitch.conf
cp "$NS_TMP/nsswitch.good" /etc/nsswitch.conf
is nsswitch ok

echo "# PAM"
pam-auth-update --package --remove scim >/dev/null 2>&1
is pam FAILED sshd
for s in cron login su sudo; do grep -qE "[ ,]$s(,| )" "$out" || fail "$s is not named"; done
mend; is pam ok
printf 'account required pam_permit.so\n' >/etc/pam.d/foreign
is pam FAILED foreign
! grep -q sshd "$out" || fail 'a good service is named'
mkdir -p /usr/lib/pam.d
mount -t tmpfs tmpfs /usr/lib/pam.d
mv /etc/pam.d/foreign /usr/lib/pam.d/foreign # where vendors put theirs
is pam FAILED foreign
rm /usr/lib/pam.d/foreign
printf '#!/bin/sh\nkill -9 $PPID\n' >"$NS_TMP/down"
printf '#!/bin/sh\nexec sleep 1000\n' >"$NS_TMP/hang"
chmod +x "$NS_TMP/down" "$NS_TMP/hang"
for how in down hang; do # what does not answer has refused nobody
  printf 'account required pam_exec.so quiet %s\n' "$NS_TMP/$how" >/etc/pam.d/foreign
  is pam note 'foreign: no answer'
  tenacious 5 sh -c '! pgrep -x sleep' || fail 'what hung goes on'
done
rm /etc/pam.d/foreign
cp /etc/pam.d/su "$NS_TMP/su"
# As Fedora has it: root may become anybody, whoever else calls su is asked about as usual.
by_root='account sufficient pam_succeed_if.so uid = 0 use_uid quiet'
sed -i "1i $by_root" /etc/pam.d/su
is pam ok
printf '%s\naccount required pam_permit.so\n' "$by_root" >/etc/pam.d/su
is pam FAILED su
{ echo "$by_root"; cat /etc/pam.d/sshd; } >/etc/pam.d/foreign # what root runs lets everybody in by that
is pam FAILED foreign
rm /etc/pam.d/foreign
cp "$NS_TMP/su" /etc/pam.d/su
sed -i '1i account required pam_deny.so' /etc/pam.d/su
is root FAILED su
cp "$NS_TMP/su" /etc/pam.d/su
is root ok

echo "# sshd"
echo 'UsePAM no' >/etc/ssh/sshd_config.d/00-first.conf
is sshd FAILED UsePAM
mv /etc/ssh/sshd_config.d/00-first.conf /etc/ssh/sshd_config.d/90-last.conf
sed -i 's/^UsePAM.*//' /etc/ssh/sshd_config
is sshd FAILED UsePAM
grep -q 'systemctl reload ssh$' "$out" || fail 'sshd is reloaded by another name'
mend; is sshd ok
rm /etc/ssh/sshd_config.d/10-scimd.conf
is sshd note 'keys are not taken'; mend; is sshd ok
rm /etc/ssh/sshd_config.d/10-scimd.conf
mkdir /run/no-units
mount --bind /run/no-units /usr/lib/systemd/system
is sshd note 'systemctl reload sshd' # where the unit has that name
umount /usr/lib/systemd/system
install -m644 packaging/sshd_config.d/10-scimd.conf /etc/ssh/sshd_config.d/
echo 'Nonsense yes' >/etc/ssh/sshd_config.d/50-nonsense.conf
is sshd FAILED Nonsense
rm /etc/ssh/sshd_config.d/50-nonsense.conf

echo "# secrets"
chmod 644 /etc/scimd/credentials.d/corp
is token FAILED 'others can read it'; mend; is token ok
chown 65534 /etc/scimd/credentials.d/corp
is token FAILED 'belongs to uid'; mend; is token ok
mv /etc/scimd/credentials.d/corp "$NS_TMP/secret"
is token FAILED 'No such file'; mend <"$NS_TMP/secret"; is token ok
[ "$(stat -c %a /etc/scimd/credentials.d/corp)" = 600 ]

echo "# secrets, as scimd sees them: what systemd handed over when it was started"
handed=/run/credentials/scimd.service
mkdir -p -m 755 "$handed"
chown 997:997 /var/lib/scimd # who scimd runs as
is token FAILED 'corp: credential "corp" is not among those that systemd handed over'
grep -q 'mend: systemctl restart scimd$' "$out" || fail 'the restart is not named'
install -o 997 -m 400 /etc/scimd/credentials.d/corp "$handed/cred_corp"
is token ok 'scimd has them'
echo another >"$handed/cred_corp"
is token FAILED 'still has what was there'
grep -q 'mend: systemctl restart scimd$' "$out" || fail 'the restart is not named'
install -o 997 -m 400 /etc/scimd/credentials.d/corp "$handed/cred_corp"
cp -r /etc/scimd "$NS_TMP/scimd.good"
oauth() { sed -E "s#^token = .*#client_id = host\ntoken_url = https://id.example.com/token\n$1#" "$NS_TMP/scimd.good/scimd.conf" >/etc/scimd/scimd.conf; }
oauth 'client_secret = sso'
is token FAILED 'credentials.d/sso: No such file'; mend <"$NS_TMP/secret"
is token FAILED '"sso" is not among those'
install -o 997 -m 400 /etc/scimd/credentials.d/sso "$handed/cred_sso"
is token ok
oauth 'client_secret_file = /etc/scimd/credentials.d/sso'
is token FAILED 'only root sees into that folder'
mend '; systemctl restart scimd'
grep -qx 'client_secret = sso' /etc/scimd/scimd.conf || fail 'the setting is not mended'
is token ok
install -m 600 /etc/scimd/credentials.d/sso /etc/scimd/secret # root's, and scimd is not root
oauth 'client_secret_file = /etc/scimd/secret'
is token FAILED '/etc/scimd/secret: Permission denied'
mend; is token ok
[ "$(stat -c '%u %a' /etc/scimd/secret)" = '997 600' ] || fail 'not for scimd alone'
rm -r /etc/scimd /run/credentials
cp -r "$NS_TMP/scimd.good" /etc/scimd
chown 0:0 /var/lib/scimd
is token ok

echo "# the configuration"
cp /etc/scimd/scimd.conf "$NS_TMP/good.conf"
echo 'allowed = all' >>/etc/scimd/scimd.conf
is config FAILED allowed; is access skipped
sed '/^allow/d' "$NS_TMP/good.conf" >/etc/scimd/scimd.conf
is access FAILED 'nobody may log in'
sed '1i [scimd]\nstate_dir = /var/lib/elsewhere' "$NS_TMP/good.conf" >/etc/scimd/scimd.conf
is config FAILED /var/lib/elsewhere
cp "$NS_TMP/good.conf" /etc/scimd/scimd.conf
chown 997:997 /var/lib/scimd # who scimd runs as: not root, who may read everything
is config ok
install -m 600 "$NS_TMP/good.conf" /etc/scimd/scimd.conf
printf '[scimd]\ninterval = 4min\n' | install -m 640 /dev/stdin /etc/scimd/conf.d/20-mine.conf
is config FAILED 'as scimd reads it: '
mend; is config ok
chmod 700 /etc/scimd
is config FAILED 'Permission denied'; mend; is config ok
rm /etc/scimd/conf.d/20-mine.conf
chown 0:0 /var/lib/scimd
rm /etc/scimd/scimd.conf
is config FAILED 'No such file'
grep -q 'mend: scimctl setup' "$out" || fail 'no way to begin'
cp "$NS_TMP/good.conf" /etc/scimd/scimd.conf

echo "# names that local accounts have"
is clashes ok
echo 'ben:x:3001:3001::/:/bin/sh' >>/etc/passwd
tenacious 20 sh -c 'scimctl doctor clashes | grep -q "^note"' || fail 'ben is not named'
is clashes note ben
sed -i '$d' /etc/passwd

echo "# space, nscd, the helper"
is space ok
mount -o remount,size=8m /var/lib/scimd
is space note 'MB free'
mount -o remount,size=512m /var/lib/scimd
is nscd ok
mkdir -p /run/nscd
node -e 'require("net").createServer().listen("/run/nscd/socket", () => console.log("READY"))' >"$NS_TMP/nscd" &
nscd=$!
tenacious 10 grep -q READY "$NS_TMP/nscd"
is nscd FAILED 'nscd is running'
kill "$nscd"; wait "$nscd" 2>/dev/null || :
is nscd ok
mv /run/scimd/lockout.sock /run/scimd/away
is lockout FAILED 'would go on'
mv /run/scimd/away /run/scimd/lockout.sock

echo "# units: all that systemd should start, and what failed"
mkdir -p /run/systemd/system
cat >/usr/sbin/systemctl <<END
#!/bin/sh
for last; do :; done
case \$1 in
  is-enabled) [ ! -e $NS_TMP/disabled.\$last ] ;;
  is-active) [ ! -e $NS_TMP/stopped.\$last ] ;;
  reset-failed) : >$NS_TMP/reset ;;
  start) [ -e $NS_TMP/reset ] && rm -f $NS_TMP/stopped.* $NS_TMP/reset ;;
  enable) shift; for u; do rm -f $NS_TMP/disabled.\$u; done ;;
esac
END
chmod +x /usr/sbin/systemctl
is units ok
for u in scimd.service scimd.socket scim-lockout.socket scim-hook.socket; do
  : >"$NS_TMP/disabled.$u"
  is units FAILED "$u is not enabled"; mend; is units ok
done
for u in scimd.socket scim-lockout.socket scim-hook.socket; do
  : >"$NS_TMP/stopped.$u"
  is units FAILED "$u is not active"; mend; is units ok
done
rm -r /usr/sbin/systemctl /run/systemd

echo "# whoever is not root is told less"
setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/root/usr/bin/scimctl" doctor pam root sshd >"$out" || fail 'as nobody'
[ "$(grep -c '^skipped' "$out")" = 3 ] || fail 'as nobody'

echo "# a directory that went wrong since the last look"
is directory ok
kill -STOP "$SCIM_PID"
is directory FAILED 'does not answer now: no answer in time'
kill -CONT "$SCIM_PID"
is directory ok
setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/root/usr/bin/scimctl" doctor directory >"$out" || fail 'as nobody'
directory token revoke host
is directory FAILED 'refuses the token now: HTTP 401'
kill "$SCIM_PID"; wait "$SCIM_PID" 2>/dev/null || :
is directory FAILED '"corp" does not answer now: '

echo "# the directory, the daemon, the image"
SCIM_PID=''
scimctl sync --full --wait >/dev/null 2>&1 || :
is directory FAILED '"corp": '; is daemon FAILED red
kill -STOP "$SCIMD_PID" # a daemon that hangs, or a socket for which none can be started
is daemon FAILED 'does not answer'
kill -CONT "$SCIMD_PID"
scimd_stop
is daemon FAILED 'does not answer'; is directory skipped; is clashes skipped
is image ok
printf garbage | dd of=/var/lib/scimd/accounts.image conv=notrunc status=none
is image FAILED 'cannot be read'
