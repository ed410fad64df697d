#!/usr/bin/env bash
# A booted Debian host made from the packages alone: installed, set up by editing three
# lines, a login by SSH key, a lock-out that ends what the person left running (sessions,
# lingering, systemd-run, nohup), an upgrade while logins go on, removal, purge.
# Everything lives in $BUILD/hosts; the root file system is kept there as a tarball.
#   SUITE=bookworm tests/nightly/hosts.sh
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
suite=${SUITE:-$(. /etc/os-release; echo "${VERSION_CODENAME:-bookworm}")}
work=$BUILD/hosts
mkdir -p "$work"
"$SRC/packaging/install-deps" mmdebstrap systemd-container iproute2 openssh-client >/dev/null

step() { printf '# %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
wait_for() { # SECONDS COMMAND…
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "waited in vain for: $*"
    read -rt 0.1 <> <(:) || :
  done
}

debs=$work/debs
if [ ! -d "$debs" ]; then
  step "packages"
  "$SRC/packaging/deb" "$debs.new" >/dev/null
  mv "$debs.new" "$debs"
fi
if [ ! -s "$work/$suite.tar" ]; then
  step "a root file system"
  mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || awk '$1 == "deb" { print $2; exit }' /etc/apt/sources.list)
  mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,libpam-systemd,libpam-runtime,openssh-server,sudo,cron,passwd,ca-certificates,iproute2,procps,apparmor \
    "$suite" "$work/$suite.tar.new" "$mirror" 2>"$work/mmdebstrap.log" || { tail -5 "$work/mmdebstrap.log" >&2; exit 1; }
  mv "$work/$suite.tar.new" "$work/$suite.tar"
fi

name=scimd-host-$$ root=$work/$suite.$$ spawn= leader=
cleanup() {
  [ -z "$spawn" ] || { kill -TERM "$spawn" 2>/dev/null && wait "$spawn" 2>/dev/null; } || :
  ip netns del "$name" 2>/dev/null || :
  for h in systemd unified; do
    [ -d "/sys/fs/cgroup/$h/$name" ] && find "/sys/fs/cgroup/$h/$name" -depth -type d -exec rmdir {} \; 2>/dev/null
  done
  rm -rf "$root"
}
trap cleanup EXIT
mkdir "$root"
tar -C "$root" -xf "$work/$suite.tar"
cp -r "$debs" "$root/debs"
ip netns add "$name"
ip -n "$name" link set lo up

step "boot"
(
  for h in systemd unified; do
    [ -d "/sys/fs/cgroup/$h" ] || continue
    mkdir -p "/sys/fs/cgroup/$h/$name"
    echo $BASHPID >"/sys/fs/cgroup/$h/$name/cgroup.procs"
  done
  exec systemd-nspawn -q -D "$root" -M "$name" --keep-unit --register=no "--network-namespace-path=/run/netns/$name" --console=pipe -b </dev/null >"$work/console" 2>&1
) &
spawn=$!
wait_for 30 pgrep -P "$spawn"
leader=$(pgrep -P "$spawn" | head -1)
in_host() { nsenter -t "$leader" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "$@"; }
with_net() { nsenter -t "$leader" -m -p -i -u -C env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
wait_for 60 in_host systemctl is-system-running --wait
[ "$(in_host systemctl is-system-running || :)" = running ] || in_host systemctl --failed >&2

step "install"
with_net sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends /debs/*.deb' >"$work/apt.log" 2>&1 || { tail -30 "$work/apt.log" >&2; exit 1; }
in_host grep -q '^passwd:.*files scim' /etc/nsswitch.conf || fail "nsswitch.conf has no scim"
in_host grep -q pam_scim.so /etc/pam.d/common-account || fail "common-account has no pam_scim"
[ "$(in_host stat -c %a /etc/scimd/credentials.d)" = 700 ] || fail "credentials.d is open"
in_host getent passwd root >/dev/null || fail "root is gone"
[ "$(in_host systemctl is-active scimd || :)" != failed ] || fail "an unconfigured scimd has failed"
wait_for 10 in_host systemctl is-active scim-directory

step "three lines"
directory() { in_host scim-directory "$@"; }
directory sample >/dev/null 2>&1 || :
directory user add alice --display "Alice Active" >/dev/null
directory user add leaver --display "Lea Ver" >/dev/null
token=$(directory token create --name host --scope read)
printf '%s' "$token" | in_host sh -c 'umask 077; cat >/etc/scimd/credentials.d/corp'
in_host sh -c 'cat >/etc/scimd/conf.d/corp.conf' <<'EOF'
[directory/corp]
url = http://127.0.0.1:8643/scim/v2
token = corp
[access]
allow = all
EOF
in_host systemctl restart scimd
wait_for 20 in_host getent passwd leaver
in_host systemctl --quiet is-active scimd || fail "scimd is not active"
in_host scimctl status || fail "status"

step "a login by key"
ssh-keygen -q -t ed25519 -N '' -f "$root/key" </dev/null
for u in alice leaver; do
  directory user show $u >/dev/null
  in_host sh -c "install -d -m755 /etc/ssh/keys && cat /key.pub >/etc/ssh/keys/$u"
done
in_host sh -c 'printf "AuthorizedKeysFile /etc/ssh/keys/%%u\n" >/etc/ssh/sshd_config.d/50-test.conf; systemctl restart ssh'
login() { # USER COMMAND…
  local u=$1
  shift
  in_host ssh -F none -i /key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5 "$u@127.0.0.1" "$@"
}
in_host test -x /usr/bin/ssh || with_net apt-get install -y -qq openssh-client >/dev/null 2>&1
[ "$(login alice id -un)" = alice ] || fail "alice cannot log in"
[ "$(login leaver id -un)" = leaver ] || fail "leaver cannot log in before"
[ "$(login alice pwd)" = /home/alice ] || fail "alice has no home"

step "what stays behind"
uid=$(in_host id -u leaver)
login leaver 'nohup sleep 1001 >/dev/null 2>&1 </dev/null & setsid sleep 1002 >/dev/null 2>&1 </dev/null & exit 0'
in_host loginctl enable-linger leaver
wait_for 10 in_host systemctl is-active "user@$uid.service"
in_host systemd-run --quiet --uid="$uid" sleep 1003
login leaver sleep 1004 &
shell=$!
for n in 1001 1002 1003 1004; do wait_for 10 in_host pgrep -u "$uid" -f "sleep $n"; done

step "lock-out"
began=$(date +%s%N)
directory user disable leaver >/dev/null
refused() { ! login leaver true; }
wait_for 10 refused
denied=$(date +%s%N)
gone() { ! in_host pgrep -u "$uid"; }
wait_for 15 gone
ended=$(date +%s%N)
wait $shell && fail "the open session ended well"
echo "denied after $(((denied - began) / 1000000)) ms, last process gone after $(((ended - began) / 1000000)) ms"
in_host test ! -e /var/lib/systemd/linger/leaver || fail "leaver still lingers"
in_host systemctl start "user@$uid.service" 2>/dev/null && fail "user@ was started for a leaver"
in_host systemd-run --quiet --wait -p PAMName=login --uid="$uid" true 2>/dev/null && fail "systemd-run with PAM for a leaver"
[ "$(login alice id -un)" = alice ] || fail "alice was locked out too"
in_host id leaver >/dev/null || fail "leaver cannot be resolved any more"
wait_for 10 in_host scimctl evidence --user leaver
in_host scimctl evidence --user leaver

step "back again"
directory user enable leaver >/dev/null
back() { [ "$(login leaver id -u)" = "$uid" ]; }
wait_for 15 back

step "upgrade while logins go on"
touch "$work/looping.$$"
(
  n=0
  while [ -e "$work/looping.$$" ]; do
    login alice true || { echo "login $n failed" >"$work/looping.failed.$$"; exit 1; }
    n=$((n + 1))
  done
  echo $n >"$work/logins.$$"
) &
loop=$!
with_net sh -c 'dpkg -i /debs/*.deb' >"$work/upgrade.log" 2>&1 || { tail -30 "$work/upgrade.log" >&2; fail "upgrade"; }
rm "$work/looping.$$"
wait $loop || { cat "$work/looping.failed.$$" >&2; fail "a login failed during the upgrade"; }
echo "$(cat "$work/logins.$$") logins during the upgrade"
rm -f "$work/logins.$$"
[ "$(in_host grep -c pam_scim.so /etc/pam.d/common-account)" = 1 ] || fail "pam_scim is there twice"

step "hardening"
for u in scimd scim-directory scim-lockout@x; do
  in_host systemd-analyze security --no-pager "$u.service" | tail -1
done

step "remove and purge"
with_net apt-get remove -y -qq libpam-scim libnss-scim scimd scim-directory >"$work/remove.log" 2>&1 || { tail -30 "$work/remove.log" >&2; fail "remove"; }
in_host grep -rq pam_scim /etc/pam.d && fail "pam_scim stayed in /etc/pam.d"
in_host grep -q scim /etc/nsswitch.conf && fail "scim stayed in nsswitch.conf"
with_net apt-get purge -y -qq libpam-scim libnss-scim scimd scim-directory >"$work/purge.log" 2>&1 || { tail -30 "$work/purge.log" >&2; fail "purge"; }
in_host test ! -e /var/lib/scimd || fail "/var/lib/scimd stayed"
in_host test -d /var/lib/scim-directory || fail "purge took the directory itself"
in_host getent passwd root >/dev/null || fail "root is gone"
with_net sh -c 'dpkg -i /debs/*.deb' >"$work/again.log" 2>&1 || { tail -30 "$work/again.log" >&2; fail "reinstall"; }
[ "$(in_host systemctl is-system-running || :)" = running ] || { in_host systemctl --failed >&2; fail "the host is degraded"; }
echo "done on $suite"
