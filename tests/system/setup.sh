#!/usr/bin/env bash
# scimctl setup: from a host without anything to one that serves and denies, with
# answers typed and with options; nothing changes before it was agreed to.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
. tests/system/doors.sh
ns_begin "$0"
doors_prepare "$BUILD"
doors_directory ann ben
directory user add dan@example.com # in no group
# Whoever cannot be served is not passed over in silence.
directory user add root@example.com
for i in {1..24}; do directory user add "No$i such name@example.com"; done
directory group add sudo
install -m755 "$BUILD/root/usr/sbin/scimd" /usr/sbin/scimd
export DEBIAN_FRONTEND=noninteractive
url=$(sed -n 's/^url = //p' /etc/scimd/scimd.conf)
cp /etc/scimd/credentials.d/corp "$NS_TMP/secret"
chmod 600 "$NS_TMP/secret"
rm -r /etc/scimd
pam-auth-update --package --remove scim >/dev/null 2>&1
sed -i -E 's/^passwd:.*/passwd: files # local/; s/^group:.*/group: files/' /etc/nsswitch.conf
out=$NS_TMP/setup
fail() { echo "setup: $1" >&2; cat "$out" >&2; exit 1; }
setup() { # EXIT-STATUS OPTION…
  local code=0 want=$1
  shift
  scimctl setup "$@" >"$out" 2>&1 || code=$?
  [ "$code" = "$want" ] || fail "exit status $code, not $want: $*"
}
untouched() {
  [ ! -e /etc/scimd ] || fail 'something was written'
  grep -qx 'passwd: files # local' /etc/nsswitch.conf || fail 'nsswitch.conf was touched'
  ! grep -q pam_scim /etc/pam.d/common-account || fail 'PAM was touched'
  ! ls -d /run/scimd-setup.* >/dev/null 2>&1 || fail 'the trial was left behind'
}
filter='groups.display eq "linux-prod"'

echo "# answers that will not do"
setup 2 --yes </dev/null; grep -q -- --url "$out"
setup 2 --yes --url "$url" </dev/null; grep -q -- --token-file "$out"
setup 2 --yes --url "$url" --token-file "$NS_TMP/none" --allow all; grep -q 'No such file' "$out"
chmod 644 "$NS_TMP/secret"; setup 2 --yes --url "$url" --token-file "$NS_TMP/secret" --allow all; grep -q 'others can read it' "$out"; chmod 600 "$NS_TMP/secret"
setup 2 --yes --url "$url" --token-file "$NS_TMP/secret"; grep -q -- --allow "$out"
setup 2 --name 'A/..' --yes; setup 2 more; setup 2 --nonsense
setup 2 --yes --url "$url"$'\nca_file = /etc/passwd' --token-file "$NS_TMP/secret" --allow all; grep -q 'control character' "$out"
setup 1 --yes --url ftp://example.com --token-file "$NS_TMP/secret" --allow all; grep -q 'conf.d/10-corp.conf:3' "$out" || fail 'the line is not named'
setup 1 --yes --url "$url" --token-file "$NS_TMP/secret" --allow 'groups.display eq'; grep -q 'conf.d/10-corp.conf:' "$out"
(umask 077; echo wrong >"$NS_TMP/wrong")
setup 1 --yes --url "$url" --token-file "$NS_TMP/wrong" --allow all; grep -q 401 "$out" || fail 'why is not said'
setup 1 --yes --url http://127.0.0.1:1/scim/v2 --token-file "$NS_TMP/secret" --allow all; grep -q 'nothing was changed' "$out"
setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/root/usr/bin/scimctl" setup --yes >"$out" 2>&1 && fail 'as nobody' || [ $? = 5 ] || fail 'as nobody'
untouched

echo "# typed, and not agreed to"
code=0
printf '%s\n' "$url" "$(cat "$NS_TMP/secret")" "$filter" n | scimctl setup >"$out" 2>&1 || code=$?
[ "$code" = 1 ] || fail "exit status $code"
grep -qE '^ann +[0-9]+ +active +yes +/home/ann' "$out" || fail 'ann is not shown'
grep -qE '^dan +[0-9]+ +active +no ' "$out" || fail 'dan is not shown'
grep -q '^3 people, of whom 2 may log in$' "$out" || fail 'the sum is not shown'
grep -q '^26 records are not served:$' "$out" || fail 'that some are refused is not said'
grep -q '^  group "sudo": a local group has this name; local accounts win$' "$out" || fail 'why is not said'
[ "$(grep -c '^  \(user\|group\) "' "$out")" = 20 ] || fail 'not the first twenty'
grep -q '^  … and 6 more: scimctl refusals' "$out" || fail 'that there are more is not said'
untouched

echo "# typed on a terminal: the token is not shown"
mkfifo "$NS_TMP/keys"
: >"$out"
env --default-signal=INT script -fqec 'trap : INT; scimctl setup; stty -a' "$out" <"$NS_TMP/keys" >/dev/null & # given up at the token
typing=$!
exec 9>"$NS_TMP/keys"
typed() { tenacious 30 grep -qF "$1" "$out" || fail "it does not ask: $1"; printf "$3%s\n" "$2" >&9; }
typed 'URL of' "$url" ''; typed 'not shown' '' '\003'
tenacious 30 grep -q 'isig' "$out" || fail 'it does not end'
exec 9>&-
wait "$typing" || :
grep -q 'nothing was changed' "$out" || fail 'giving up is not said'
grep -qE '(^| )echo( |$)' "$out" || fail 'the terminal is left without echo'
: >"$out"
script -fqec 'scimctl setup' "$out" <"$NS_TMP/keys" >/dev/null &
typing=$!
exec 9>"$NS_TMP/keys"
typed 'URL of' "$url" ''; typed 'not shown' "$(cat "$NS_TMP/secret")" ''; typed 'Who may' "$filter" ''; typed 'Serve these' n ''
exec 9>&-
wait "$typing" || :
grep -q 'Nothing was changed' "$out" || fail 'no end'
! grep -qF "$(cat "$NS_TMP/secret")" "$out" || fail 'the token was shown'
untouched

echo "# agreed to: files, then nsswitch.conf, then PAM with its way back"
lockout_start
code=0
printf '%s\n' "$url" "$(cat "$NS_TMP/secret")" "$filter" y y n | scimctl setup >"$out" 2>&1 || code=$?
[ "$code" = 1 ] || fail "PAM was left alone, and scimd does not run: exit status $code"
grep -qx 'passwd: files scim # local' /etc/nsswitch.conf && grep -qx 'group: files scim' /etc/nsswitch.conf || fail 'nsswitch.conf'
[ "$(stat -c %a /etc/scimd/credentials.d/corp)" = 600 ] || fail "the token's mode"
[ "$(cat /etc/scimd/credentials.d/corp)" = "$(cat "$NS_TMP/secret")" ] || fail token
scimctl config check >/dev/null || fail 'the configuration is refused'
scimd_start
setup 0 --yes --url "$url" --token-file "$NS_TMP/secret" --allow "$filter"
undo=$(sed -n '/To undo it/,$ { s/^  \(pam-auth-update .*\)/\1/p }' "$out" | head -n 1)
grep -qxF "  systemd-run --on-active=10min $undo" "$out" || fail 'no timer'
grep -q pam_scim /etc/pam.d/common-account || fail 'PAM does not ask'
grep -qE '^ok +pam ' "$out" || fail 'it was not proved'
[ "$(id -un ann)" = ann ]
doors_sshd ann dan
door ssh ann
no_door ssh dan

echo "# an nsswitch.conf that is not setup's to write"
good=(--yes --url "$url" --token-file "$NS_TMP/secret" --allow "$filter")
cp /etc/nsswitch.conf "$NS_TMP/nsswitch.good"
sed -i 's/^passwd:.*/passwd: scim files systemd/' /etc/nsswitch.conf
setup 1 "${good[@]}"; grep -q '^/etc/nsswitch.conf: passwd: scim stands before' "$out" || fail 'it is not named'
grep -qx 'passwd: scim files systemd' /etc/nsswitch.conf || fail 'an order of somebody else was changed'
mend=$(grep -oE "sed -i -E '/\^passwd:.*" "$out" | head -n 1)
[ -n "$mend" ] || fail 'no way out'
sh -c "$mend"
grep -qx 'passwd: files scim systemd' /etc/nsswitch.conf || fail "the way out leads elsewhere: $mend"
sed 's/^passwd:.*/passwd: files/' "$NS_TMP/nsswitch.good" >/etc/nsswitch.real
ln -sf nsswitch.real /etc/nsswitch.conf
setup 1 "${good[@]}"; grep -q '^It is a link' "$out" || fail 'the link is not named'
grep -q '^PAM: left alone, .*not found through glibc' "$out" || fail 'nothing is said of PAM'
! grep -q "mend: .*/etc/nsswitch.conf" "$out" || fail 'doctor would replace the link'
[ -L /etc/nsswitch.conf ] && grep -qx 'passwd: files' /etc/nsswitch.real || fail 'the link was written through or replaced'

echo "# authselect writes nsswitch.conf and PAM's files, as one step"
mkdir /etc/authselect
mv /etc/nsswitch.real /etc/authselect/nsswitch.conf
ln -sf /etc/authselect/nsswitch.conf /etc/nsswitch.conf
pam-auth-update --package --remove scim >/dev/null 2>&1
cat >/usr/sbin/authselect <<END
#!/bin/sh
echo "\$*" >>$NS_TMP/authselect
if [ -e $NS_TMP/broken ]; then exit 4; fi
sed -i 's/^passwd:.*/passwd: files scim/; s/^group:.*/group: files scim/' /etc/authselect/nsswitch.conf
pam-auth-update --package --enable scim
END
chmod +x /usr/sbin/authselect
setup 1 "${good[@]}" --no-pam
! [ -e "$NS_TMP/authselect" ] || fail 'PAM was touched'
grep -q '^  authselect select scim with-mkhomedir --force$' "$out" || fail 'what to run is not said'
[ "$(grep -c 'mend: authselect select scim with-mkhomedir --force$' "$out")" = 1 ] || fail 'doctor has another way'
: >"$NS_TMP/broken"
setup 1 "${good[@]}"; grep -q 'did not select the profile.*--force$' "$out" || fail 'a failure is not said'
grep -qxF '  systemd-run --on-active=10min authselect backup-restore before-scimd' "$out" || fail 'no timer'
rm "$NS_TMP/broken"
code=0
printf 'y\nn\n' | scimctl setup --url "$url" --token-file "$NS_TMP/secret" --allow "$filter" >"$out" 2>&1 || code=$?
[ "$code" = 1 ] || fail "not agreed to, and the host does not serve: exit status $code"
: >"$NS_TMP/authselect"
setup 0 "${good[@]}"
[ "$(cat "$NS_TMP/authselect")" = 'select scim with-mkhomedir --backup=before-scimd' ] || fail 'not what authselect takes'
grep -qE '^ok +pam ' "$out" || fail 'it was not proved'
setup 0 "${good[@]}"
[ "$(wc -l <"$NS_TMP/authselect")" = 1 ] || fail 'it was selected again'
rm -r /etc/nsswitch.conf /etc/authselect /usr/sbin/authselect
cp "$NS_TMP/nsswitch.good" /etc/nsswitch.conf

echo "# systemd: its units where they are, a word where they are not"
mkdir -p /run/systemd/system
cat >/usr/sbin/systemctl <<END
#!/bin/sh
echo "\$*" >>$NS_TMP/systemctl
case \$1 in
  cat) [ -e $NS_TMP/units ] ;;
  enable) [ ! -e $NS_TMP/broken ] ;;
esac
END
chmod +x /usr/sbin/systemctl
setup 0 "${good[@]}" # one that runs is told
scimd_stop
setup 1 "${good[@]}"; grep -q 'There is no unit scimd.service' "$out" || fail 'missing units are not named'
scimd_start
! grep -q '^enable' "$NS_TMP/systemctl" || fail 'what is not there was enabled'
: >"$NS_TMP/units"
setup 0 "${good[@]}"
grep -q '^enable --now .*scimd.service scim-lockout.socket' "$NS_TMP/systemctl" || fail 'nothing was started'
: >"$NS_TMP/broken"
setup 1 "${good[@]}"; grep -q 'journalctl -u scimd' "$out" || fail 'a failed start is not said'
rm -r /usr/sbin/systemctl /run/systemd

echo "# the printed way back works"
$undo >/dev/null 2>&1
! grep -q pam_scim /etc/pam.d/common-account || fail 'it does not undo'
setup 1 --yes --no-pam --url "$url" --token-file "$NS_TMP/secret" --allow all # doctor complains
! grep -q pam_scim /etc/pam.d/common-account || fail 'PAM was touched'
grep -qx 'allow = all' /etc/scimd/conf.d/10-corp.conf || fail 'the drop-in is the old one'
