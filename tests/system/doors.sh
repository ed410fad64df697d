# Shared by the tests of logins: PAM's files as Debian makes them, a scim-directory
# with people, and the doors by which people come in. After lib.sh.
# shellcheck shell=bash

# Everything that pam-auth-update, sshd, cron and at write is private too.
doors_prepare() {
  local lib d
  lib=/usr/lib/$(gcc -print-multiarch)
  for d in /var/cache/debconf /usr/share/pam-configs /var/spool /var/log /usr/sbin; do
    mkdir -p "$NS_TMP/o$d" "$NS_TMP/w$d"
    mount -t overlay overlay -o "lowerdir=$d,upperdir=$NS_TMP/o$d,workdir=$NS_TMP/w$d" "$d"
  done
  mkdir -p /var/lib/pam
  mount -t tmpfs -o mode=755 tmpfs /var/lib/pam
  mount -t tmpfs -o mode=755 tmpfs /home
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/sshd /run/scimd
  install -m644 "$1/root$lib/security/pam_scim.so" "$lib/security/pam_scim.so"
  install -m644 packaging/pam-configs/scim /usr/share/pam-configs/scim
  DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true pam-auth-update --package --force >/dev/null
  grep -q 'pam_scim.so' /etc/pam.d/common-account
  [ "${STACK:-debian}" = debian ] || doors_authselect
  install -m755 "$1/root/usr/sbin/scim-authorized-keys" /usr/sbin/scim-authorized-keys
  echo 'ALL ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/doors
  chmod 440 /etc/sudoers.d/doors
}

# The services that Debian ships, on the stacks that authselect makes of our profile with
# no feature chosen (nightly/authselect.sh compares), as Fedora's services name them.
authselect_stack() { # FILE
  sed '/{include if/d; s/{if not "[^"]*":\([^}]*\)}/\1/g; s/ *{[^}]*}//g; s/ *$//' "packaging/authselect/scim/$1"
}
doors_authselect() {
  local f s
  for f in system-auth password-auth; do authselect_stack $f >"/etc/pam.d/$f"; done
  for s in /etc/pam.d/*; do
    f=system-auth
    [ "$s" != /etc/pam.d/sshd ] || f=password-auth
    sed -i "s/^@include common-\\(account\\|session\\).*/\\1 include $f/" "$s"
  done
  rm /etc/pam.d/common-account /etc/pam.d/common-session*
}

# A scim-directory on loopback with these people, all in linux-prod.
doors_directory() {
  local who port
  ssh-keygen -q -t ed25519 -N '' -f "$NS_TMP/id"
  ip link set lo up
  printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
  (umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
  scim-directory --config "$NS_TMP/directory.conf" serve 2>"$NS_TMP/directory.log" &
  SCIM_PID=$!
  tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
  directory group add linux-prod
  for who; do directory user add "$who@example.com" --key "$NS_TMP/id.pub"; done
  directory group member add linux-prod "${@/%/@example.com}"
  cat >/etc/scimd/scimd.conf <<END
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
events = off
[access]
allow = groups.display eq "linux-prod"
END
}
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }

# sshd, for these people: by keys in files and certificates (port 22022), with a
# forced command (22023), with the directory's keys by our command (22024), without
# PAM (22025).
doors_sshd() { # WHO…
  local who n
  mkdir -p /run/doors/keys
  chmod 1777 /run/doors
  for n in host ca; do ssh-keygen -q -t ed25519 -N '' -f "$NS_TMP/$n"; done
  cp "$NS_TMP/ca.pub" /run/doors/ca
  for who; do
    cp "$NS_TMP/id.pub" "/run/doors/keys/$who"
    ssh-keygen -q -t ed25519 -N '' -f "$NS_TMP/cert-$who"
    ssh-keygen -q -s "$NS_TMP/ca" -I "$who" -n "$who" "$NS_TMP/cert-$who.pub"
  done
  mkdir /run/doors/conf.d
  cp packaging/sshd_config.d/10-scimd.conf /run/doors/conf.d/
  printf 'AuthorizedKeysCommand /bin/false\nAuthorizedKeysCommandUser root\n' >/run/doors/conf.d/20-systemd-userdb.conf
  one_sshd 22022 'AuthorizedKeysFile /run/doors/keys/%u' 'TrustedUserCAKeys /run/doors/ca' 'UsePAM yes'
  one_sshd 22023 'AuthorizedKeysFile /run/doors/keys/%u' 'ForceCommand id -un' 'UsePAM yes'
  one_sshd 22024 'Include /run/doors/conf.d/*.conf' 'AuthorizedKeysFile none' 'UsePAM yes'
  one_sshd 22025 'AuthorizedKeysFile /run/doors/keys/%u' 'UsePAM no'
}

one_sshd() { # PORT LINE…
  local port=$1
  shift
  {
    printf '%s\n' "$@"
    printf 'Port %s\nListenAddress 127.0.0.1\nHostKey %s\nPidFile /run/doors/%s.pid\n' "$port" "$NS_TMP/host" "$port"
    printf 'StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n'
  } >"$NS_TMP/sshd.$port"
  /usr/sbin/sshd -f "$NS_TMP/sshd.$port" -E "$NS_TMP/sshd.log"
  tenacious 10 test -s "/run/doors/$port.pid"
}

# Each door runs something as a person and prints whose process did it:
# door_NAME WHO.
SSH=(-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o LogLevel=INFO)
with_key() { SSH_KEY=$1; shift; "$1" "${SSH[@]}" -o IdentitiesOnly=yes -i "$SSH_KEY" "${@:2}"; }
door_ssh() { with_key "$NS_TMP/id" ssh -p 22022 "$1@127.0.0.1" id -un; }
door_pty() { with_key "$NS_TMP/id" ssh -tt -p 22022 "$1@127.0.0.1" id -un </dev/null | tr -d '\r'; }
door_shell() { echo 'id -un' | with_key "$NS_TMP/id" ssh -T -p 22022 "$1@127.0.0.1" | tail -n 1; }
door_certificate() { with_key "$NS_TMP/cert-$1" ssh -p 22022 "$1@127.0.0.1" id -un; }
door_forced() { with_key "$NS_TMP/id" ssh -p 22023 "$1@127.0.0.1" true; }
door_directory_key() { with_key "$NS_TMP/id" ssh -p 22024 "$1@127.0.0.1" id -un; }
door_without_pam() { with_key "$NS_TMP/id" ssh -p 22025 "$1@127.0.0.1" id -un; }
door_forward() { with_key "$NS_TMP/id" ssh -p 22022 -W 127.0.0.1:22023 "$1@127.0.0.1" </dev/null | grep -q '^SSH-' && echo "$1"; }
came() { stat -c %U "/run/doors/$1" && rm -f "/run/doors/$1"; }
door_sftp() { echo "put $NS_TMP/host.pub /run/doors/sftp" | with_key "$NS_TMP/id" sftp -q -b - -P 22022 "$1@127.0.0.1" >/dev/null && came sftp; }
door_scp() { with_key "$NS_TMP/id" scp -q -P 22022 "$NS_TMP/host.pub" "$1@127.0.0.1:/run/doors/scp" && came scp; }
door_old_scp() { with_key "$NS_TMP/id" scp -O -q -P 22022 "$NS_TMP/host.pub" "$1@127.0.0.1:/run/doors/oldscp" && came oldscp; }
door_su() { su "$1" -s /bin/sh -c 'id -un'; }
door_su_login() { su -s /bin/sh - "$1" -c 'id -un'; }
as() { setpriv --reuid "$(id -u "$1")" --regid "$(id -g "$1")" --clear-groups "${@:2}"; }
door_sudo() { as "$1" sudo -n -u "$1" id -un; }
door_sudo_root() { as "$1" sudo -n sh -c 'echo $SUDO_USER'; }
door_login() {
  rm -f /run/doors/login
  printf 'id -un >/run/doors/login; exit\n' | timeout 20 script -qec "login -f $1" /dev/null >/dev/null || :
  cat /run/doors/login
}
# A table of her own, run when cron starts; ben's says that its turn has come.
door_cron() {
  local who pid
  rm -rf /run/doors/cron.* /run/crond.reboot
  for who in "$1" ben; do
    echo "@reboot id -un >/run/doors/cron.$who" >"/var/spool/cron/crontabs/$who"
    chown "$(id -u "$who"):crontab" "/var/spool/cron/crontabs/$who"
    chmod 600 "/var/spool/cron/crontabs/$who"
  done
  cron -f >/dev/null 2>&1 &
  pid=$!
  tenacious 20 test -s /run/doors/cron.ben
  tenacious 20 sh -c "! pgrep -P $pid" # none of its jobs is under way
  kill "$pid"
  wait "$pid" 2>/dev/null || :
  cat "/run/doors/cron.$1"
}
# at goes back to where it was called, which she may not enter.
door_at() {
  rm -f /run/doors/at /var/spool/cron/atjobs/*
  (cd / && echo 'id -un >/run/doors/at' | as "$1" at -q a now)
  atd -s
  tenacious 20 sh -c '! pgrep -x atd'
  cat /run/doors/at
}
DOORS='ssh pty shell certificate forced directory_key without_pam forward sftp scp old_scp su su_login sudo sudo_root login cron at'

door() { # DOOR WHO: opens
  local got
  got=$("door_$1" "$2" 2>"$NS_TMP/door") && [ "$got" = "$2" ] && return
  echo "$1 does not let $2 in: \"$got\"" >&2
  cat "$NS_TMP/door" >&2
  tail -n 5 "$NS_TMP/sshd.log" >&2
  exit 1
}

no_door() { # DOOR WHO [WORDS that are seen]: stays shut
  local got
  got=$("door_$1" "$2" 2>&1) || :
  if grep -qx "$2" <<<"$got"; then
    echo "$1 lets $2 in: $got" >&2
    exit 1
  fi
  [ $# -lt 3 ] || grep -qF "$3" <<<"$got" || { echo "$1 tells $2 \"$got\", not \"$3\"" >&2; exit 1; }
}
