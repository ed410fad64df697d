#!/usr/bin/env bash
# docs/without-passwords.md, tried: its files are taken from the page as they stand.
# People of the directory get in and become root by keys, certificates, a sudo rule and
# an agent, not by any password; who is disabled does by none.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
. tests/system/doors.sh
ns_begin "$0"
doors_prepare "$BUILD"
rm /etc/sudoers.d/doors
doors_directory ann ben
directory group add linux-admins
directory group member add linux-admins ann@example.com
scimd_start
fail() { echo "$1" >&2; exit 1; }
# The Nth block in fences of the section of that heading.
block() { # HEADING N
  awk -v h="## $1" -v n="$2" '/^## / { on = ($0 == h) } on && /^```/ { i++; next } on && i == 2 * n - 1' docs/without-passwords.md
}
put() { # FILE HEADING N [MODE]
  block "$2" "$3" >"$1"
  [ -s "$1" ] || fail "the page has no block for $1"
  chmod "${4:-644}" "$1"
}
rm -f /etc/ssh/sshd_config.d/*
put /etc/ssh/sshd_config.d/10-scimd.conf 'SSH keys from the directory' 1
put /etc/ssh/sshd_config.d/20-certificates.conf 'SSH certificates' 1
printf 'AuthorizedKeysCommand /bin/false\nAuthorizedKeysCommandUser root\n' >/etc/ssh/sshd_config.d/20-systemd-userdb.conf
for n in host ca ann cert; do [ -e "$NS_TMP/$n" ] || ssh-keygen -q -t ed25519 -N '' -f "$NS_TMP/$n"; done
cp "$NS_TMP/ca.pub" /etc/ssh/people_ca.pub
ssh-keygen -q -s "$NS_TMP/ca" -I ann -n ann -V +8h "$NS_TMP/cert.pub"
sshd() { # PORT LINE…
  local port=$1
  shift
  /usr/sbin/sshd -f /etc/ssh/sshd_config -E "$NS_TMP/sshd.log" -o "Port=$port" -o ListenAddress=127.0.0.1 \
    -o "HostKey=$NS_TMP/host" -o "PidFile=$NS_TMP/sshd.$port" "$@"
  tenacious 10 test -s "$NS_TMP/sshd.$port"
}
sshd 22030
in_by() { [ "$(with_key "$NS_TMP/$1" ssh -p 22030 ann@127.0.0.1 "${@:2}" 2>"$NS_TMP/said")" = ann ]; }

echo "# keys from the directory, and certificates"
in_by id id -un || fail "no way in by key: $(cat "$NS_TMP/said")"
in_by cert id -un || fail "no way in by certificate: $(cat "$NS_TMP/said")"
! in_by ann id -un || fail 'a key that is nobody'\''s'
grep -q 'Permission denied (publickey).' "$NS_TMP/said" || fail "the page says otherwise: $(cat "$NS_TMP/said")"

echo "# sudo by a group, without asking"
put /etc/sudoers.d/linux-admins 'sudo by a group of the directory, without asking' 1 440
become() { as "$1" env "${@:2}" sudo sh -c 'id -un; echo $SUDO_USER' </dev/null 2>"$NS_TMP/said" | tr '\n' ' '; }
[ "$(become ann)" = 'root ann ' ] || fail "sudo: $(cat "$NS_TMP/said")"
[ "$(become ben)" = '' ] || fail 'ben is in no such group'
rm /etc/sudoers.d/linux-admins

echo "# sudo by the agent"
{ block 'sudo by the key in the SSH agent' 1; cat /etc/pam.d/sudo; } >"$NS_TMP/sudo"
cp "$NS_TMP/sudo" /etc/pam.d/sudo
put /etc/sudoers.d/agent 'sudo by the key in the SSH agent' 2 440
agent() { # WHO KEY: an agent that the person may ask
  mkdir -p "/run/agent.$1.$2"
  chown "$(id -u "$1")" "/run/agent.$1.$2"
  cp "$NS_TMP/$2" "/run/agent.$1.$2/key"
  chown "$(id -u "$1")" "/run/agent.$1.$2/key"
  as "$1" ssh-agent -a "/run/agent.$1.$2/socket" >/dev/null
  as "$1" env SSH_AUTH_SOCK="/run/agent.$1.$2/socket" ssh-add -q "/run/agent.$1.$2/key"
}
agent ann id; agent ann ann; agent ben id
[ "$(become ann SSH_AUTH_SOCK=/run/agent.ann.id/socket)" = 'root ann ' ] || fail "sudo by agent: $(cat "$NS_TMP/said")"
[ "$(become ann SSH_AUTH_SOCK=/run/agent.ann.ann/socket)" = '' ] || fail 'an agent with a strange key'
[ "$(become ann SSH_AUTH_SOCK=/nowhere)" = '' ] || fail 'no agent'
[ "$(become ben SSH_AUTH_SOCK=/run/agent.ben.id/socket)" = '' ] || fail 'ben is in no such group'

echo "# where a password is asked"
sshd 22031 -o PasswordAuthentication=yes -o KbdInteractiveAuthentication=no
typed() { # WORDS COMMAND…: what is seen when something is typed at each question
  local words=$1 pid n
  shift
  rm -f "$NS_TMP/keys"
  mkfifo "$NS_TMP/keys"
  : >"$NS_TMP/typed"
  timeout 60 script -fqec "$*" "$NS_TMP/typed" <"$NS_TMP/keys" >/dev/null 2>&1 &
  pid=$!
  exec 9>"$NS_TMP/keys"
  for n in 1 2 3; do
    tenacious 20 sh -c "[ \$(grep -oi 'password[^:]*: *' '$NS_TMP/typed' | wc -l) -ge $n ] || ! kill -0 $pid" || fail "$*: nothing is asked"
    ! grep -qF "$words" "$NS_TMP/typed" || break
    echo wrong >&9
  done
  tenacious 20 grep -qF "$words" "$NS_TMP/typed" || fail "not \"$words\": $(cat "$NS_TMP/typed")"
  exec 9>&-
  kill "$pid" 2>/dev/null || :
  wait "$pid" 2>/dev/null || :
}
typed 'su: Authentication failure' "setpriv --reuid $(id -u ben) --regid $(id -g ben) --clear-groups su ann -c id"
typed 'Authentication token manipulation error' "setpriv --reuid $(id -u ann) --regid $(id -g ann) --clear-groups passwd"
typed 'Sorry, try again.' "setpriv --reuid $(id -u ann) --regid $(id -g ann) --clear-groups sudo id"
typed 'Permission denied, please try again.' "ssh ${SSH[*]/BatchMode=yes/BatchMode=no} -o PubkeyAuthentication=no -p 22031 ann@127.0.0.1 id"

echo "# disabled: by none of them, and the certificate lasts on"
directory user disable ann@example.com
scimctl sync --full --wait >/dev/null
for k in id cert; do ! in_by "$k" id -un || fail "in by $k"; done
[ "$(become ann SSH_AUTH_SOCK=/run/agent.ann.id/socket)" = '' ] || fail 'sudo by agent'
block 'sudo by a group of the directory, without asking' 1 >/etc/sudoers.d/linux-admins
chmod 440 /etc/sudoers.d/linux-admins
[ "$(become ann)" = '' ] || fail 'sudo by rule'
