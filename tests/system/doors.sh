# Shared by the tests of logins: PAM's files as Debian makes them, a scim-directory
# with people, and the doors by which people come in. After lib.sh.
# shellcheck shell=bash

# Everything that pam-auth-update, sshd, cron and at write is private too.
doors_prepare() {
  local lib d
  lib=/usr/lib/$(gcc -print-multiarch)
  for d in /var/cache/debconf /usr/share/pam-configs /var/spool /usr/sbin; do
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
}

# A scim-directory on loopback with these people, all in linux-prod.
doors_directory() {
  local who port
  ip link set lo up
  printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
  (umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
  scim-directory --config "$NS_TMP/directory.conf" serve 2>"$NS_TMP/directory.log" &
  SCIM_PID=$!
  tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
  directory group add linux-prod
  for who; do directory user add "$who@example.com"; done
  directory group member add linux-prod "${@/%/@example.com}"
  cat >/etc/scimd/scimd.conf <<END
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
[access]
allow = groups.display eq "linux-prod"
END
}
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }

doors_sshd() { # WHO…
  local who
  mkdir -p "/run/doors"
  ssh-keygen -q -t ed25519 -N '' -f "$NS_TMP/id"
  ssh-keygen -q -t ed25519 -N '' -f "$NS_TMP/host"
  for who; do cp "$NS_TMP/id.pub" "/run/doors/$who"; done
  cat >"$NS_TMP/sshd.conf" <<END
Port 22022
ListenAddress 127.0.0.1
HostKey $NS_TMP/host
PidFile $NS_TMP/sshd.pid
AuthorizedKeysFile /run/doors/%u
StrictModes no
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
END
  /usr/sbin/sshd -f "$NS_TMP/sshd.conf" -E "$NS_TMP/sshd.log"
  tenacious 10 test -s "$NS_TMP/sshd.pid"
}

# Each door runs COMMAND as a person: door_NAME WHO COMMAND.
door_ssh() {
  ssh -F none -i "$NS_TMP/id" -p 22022 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o BatchMode=yes -o LogLevel=INFO "$1@127.0.0.1" "$2"
}

door() { # DOOR WHO: opens
  local got
  got=$("door_$1" "$2" 'id -un' 2>"$NS_TMP/door") && [ "$got" = "$2" ] ||
    { echo "$1 does not let $2 in: \"$got\"" >&2; cat "$NS_TMP/door" >&2; exit 1; }
}

no_door() { # DOOR WHO [WORDS that are seen]: stays shut
  local got
  if got=$("door_$1" "$2" 'id -un' 2>&1) || grep -qx "$2" <<<"$got"; then
    echo "$1 lets $2 in: $got" >&2
    exit 1
  fi
  [ $# -lt 3 ] || grep -qF "$3" <<<"$got" || { echo "$1 tells $2 \"$got\", not \"$3\"" >&2; exit 1; }
}
