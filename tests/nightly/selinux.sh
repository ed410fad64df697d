#!/usr/bin/env bash
# A host with SELinux enforcing, in a virtual machine (software only, so it is slow):
# Debian's packages of this tree and our policy module. Somebody logs in by key, is
# disabled, and is out (packaging/debian/tests/login), scimd is in its own domain, and
# nothing that has to do with it was denied.
#   HOSTS_CACHE=DIR   packages and the root are kept there for the next time
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
cd "$SRC"
if [ -z "${INSIDE:-}" ]; then
  packaging/install-deps --packages --hosts --vm >/dev/null
  INSIDE=1 exec unshare --mount --pid --fork --mount-proc --kill-child --propagation private "$0"
fi
suite=bookworm
cache=${HOSTS_CACHE:-$BUILD/hosts}
mkdir -p "$cache"
work=$(mktemp -d "$cache/vm.XXXXXX") # large
trap 'umount "$work/root/proc" 2>/dev/null || :; rm -rf --one-file-system "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
. tests/nightly/booted.lib
host_packages "$suite" "$cache"
if [ ! -s "$cache/selinux.tar" ]; then
  mmdebstrap --quiet --format=tar --variant=minbase --include="systemd,systemd-sysv,dbus,libpam-systemd,libpam-runtime,openssh-server,openssh-client,passwd,procps,iproute2,ca-certificates,linux-image-cloud-amd64,initramfs-tools,zstd,selinux-policy-default,selinux-policy-dev,selinux-basics,policycoreutils,policycoreutils-dev,semodule-utils,auditd,make,m4,$(host_depends "$cache/$suite")" \
    "$suite" "$cache/selinux.tar.new" "$(packaging/mirror)" >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; fail "no root of $suite"; }
  mv "$cache/selinux.tar.new" "$cache/selinux.tar"
fi
root=$work/root
mkdir "$root"
tar -C "$root" -xf "$cache/selinux.tar"

echo "# the packages and the policy module go in"
mkdir "$root/debs"
cp "$cache/$suite"/*.deb "$root/debs/"
mount -t proc proc "$root/proc"
chroot "$root" sh -c 'dpkg -i /debs/*.deb' >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; fail "dpkg -i"; }
cp -r packaging/selinux "$root/root/policy"
chroot "$root" sh -c 'cd /root/policy && make -sf /usr/share/selinux/devel/Makefile scimd.pp && semodule -s default -i scimd.pp' >"$work/log" 2>&1 ||
  { tail -20 "$work/log" >&2; fail "the policy module"; }
umount "$root/proc"

cp packaging/debian/tests/login "$root/root/login"
cat >"$root/root/try" <<'TRY'
#!/bin/sh
exec >/dev/ttyS0 2>&1
echo
echo "enforcing: $(getenforce)"
# As a sysadmin's shell would.
# Debian's policy lets no login make a home.
SLOW=10 HOMES=/home runcon -u unconfined_u -r unconfined_r -t unconfined_t -- /root/login </dev/null >/root/said 2>&1 && echo "login: good" || { echo "login: failed"; tail -40 /root/said; }
echo "domain of scimd: $(ps -o label= -C scimd)"
ls -Zd /var/lib/scimd /var/lib/scimd/private /var/lib/scimd/accounts.image /run/scimd/scimd.sock /etc/scimd
ausearch -m avc,user_avc -ts boot 2>/dev/null | grep 'avc: .*denied' | sed 's/^/denied: /'
echo "the end"
systemctl poweroff
TRY
chmod 755 "$root/root/try"
cat >"$root/etc/systemd/system/try.service" <<'UNIT'
[Unit]
After=multi-user.target ssh.service scim-directory.service auditd.service
[Service]
Type=oneshot
ExecStart=/root/try
[Install]
WantedBy=graphical.target multi-user.target
UNIT
ln -s ../try.service "$root/etc/systemd/system/multi-user.target.wants/try.service"
ln -s /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service" # it would hang up the line
echo host >"$root/etc/hostname"
printf '127.0.0.1 localhost host\n' >"$root/etc/hosts"
printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' >"$root/etc/selinux/config"
setfiles -F -r "$root" "$root/etc/selinux/default/contexts/files/file_contexts" "$root" 2>"$work/log" || { tail -5 "$work/log" >&2; fail "labels"; }
kernel=$(echo "$root"/boot/vmlinuz-*) initrd=$(echo "$root"/boot/initrd.img-*)
mv "$kernel" "$work/kernel"
mv "$initrd" "$work/initrd"
mkfs.ext4 -q -F -d "$root" "$work/disk" 3G
rm -rf "$root"

echo "# it boots, enforcing"
timeout "${VM_SECONDS:-600}" qemu-system-x86_64 -accel tcg -m 1024 -smp 2 -nographic -nodefaults -no-user-config -serial stdio -monitor none -nic none \
  -drive "file=$work/disk,if=virtio,format=raw,cache=unsafe" -kernel "$work/kernel" -initrd "$work/initrd" -no-reboot \
  -append 'root=/dev/vda rw console=ttyS0 quiet security=selinux selinux=1 enforcing=1' </dev/null >"$work/console" 2>&1 || fail "the machine did not end"
tr -d '\r' <"$work/console" >"$work/said"
said() { grep -q "$1" "$work/said" || { tail -60 "$work/said" >&2; fail "not said: $1"; }; }
said '^the end'
said '^enforcing: Enforcing'
said '^login: good'
said '^domain of scimd: .*:scimd_t:'
said 'scimd_private_t.* /var/lib/scimd/private'
grep '^denied: ' "$work/said" | sort | uniq -c >"$work/denied" || :
if grep -E 'scim|mkhomedir' "$work/denied" >&2; then fail "something was denied"; fi
grep -E '^(enforcing|login|domain)' "$work/said"
