#!/usr/bin/env bash
# The installed module where hosts take it: under sshd's filter, in other roots and
# namespaces, on read-only mounts, without /var, beside libraries of the same names,
# and interrupted at every system call. It answers or it is unavailable, at once;
# it is never killed and never says that somebody does not exist.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ask=$NS_TMP/nss_ask
cp "$BUILD/tests/system/nss_ask" "$ask"
echo "# installed, and nothing published yet: nobody fails for it"
# Of a walk errno alone tells whether it came to its end (genhomedircon of SELinux asks).
walk() { perl -e 'my ($n, $e); do { $! = 0; $n = getpwent; $e = $! + 0 } while defined $n; exit 1 if $e;
  do { $! = 0; $n = getgrent; $e = $! + 0 } while defined $n; exit 2 if $e'; }
walk || { echo "a walk with no image ends with an error: $?" >&2; exit 1; }
printf 'u brandnew - "x" /\n' >"$NS_TMP/new.conf"
systemd-sysusers "$NS_TMP/new.conf" 2>"$NS_TMP/out"
if grep -i unexpected "$NS_TMP/out" >&2; then exit 1; fi
scim_start tests/realscim --users 20 --groups 3
all_of_it
scimd --once
[ -f /var/lib/scimd/accounts.image ]
walk || { echo "a walk ends with an error: $?" >&2; exit 1; }

# is STATUS WHERE COMMAND…: all three questions get that status, the fastest of 50
# times within a millisecond.
is() {
  local status=$1 where=$2 out
  shift 2
  out=$("$@" || :) # nss_ask's exit status says no more than its words
  if [ "$(cut -d' ' -f2 <<<"$out")" != "$status"$'\n'"$status"$'\n'"$status" ]; then
    echo "$where: not $status but: $out" >&2
    exit 1
  fi
  awk -v where="$where" '{ if ($4 > slow) slow = $4 } END { print where ": '"$status"', " slow " us"; exit slow > 1000 }' <<<"$out"
}
# The first lookups of a process read the file; from the eighth on it is mapped.
young=("$ask" -n 50 user00001)
mapped=("$ask" -w 5 -n 50 user00001)

is success "as it is" "${young[@]}"
"$ask" nobody-here >"$NS_TMP/out" || [ $? = 3 ]

echo "# sshd's filter"
is unavail "filter, young" "$ask" -S -n 50 user00001
is success "filter, mapped before" "$ask" -w 5 -S -n 50 user00001
r=0; ("$ask" -S -k user00001) >/dev/null 2>&1 || r=$?
[ "$r" = 159 ] # SIGSYS: the filter does kill
mkfifo "$NS_TMP/go"
# The map was retired meanwhile. No file may grow under the filter: hence the pipe.
"$ask" -w 5 -W -S -n 50 user00001 <"$NS_TMP/go" | cat >"$NS_TMP/asked" &
asked=$!
exec 7>"$NS_TMP/go"
tenacious 20 grep -qx ready "$NS_TMP/asked"
admin /__churn '{"deactivate":1,"from":5}' >/dev/null
scimd --once
echo go >&7
exec 7>&-
wait "$asked" || : # unavailable
is unavail "filter, map retired" sed 1d "$NS_TMP/asked"

echo "# another root"
mkdir "$NS_TMP/empty"
is unavail "chroot, young" "$ask" -r "$NS_TMP/empty" -n 50 user00001
is success "chroot, mapped before" "$ask" -w 5 -r "$NS_TMP/empty" -n 50 user00001

echo "# mounts"
inside() { unshare --mount --propagation private bash -c "$1"' && shift && exec "$@"' bash "$@"; }
ro='mount --bind -o ro /var/lib/scimd /var/lib/scimd'
is success "read-only, young" inside "$ro" "${young[@]}"
is success "read-only, mapped" inside "$ro" "${mapped[@]}"
all_ro='mount -o remount,ro,bind /var/lib/scimd && mount --bind / /mnt && mount -o remount,ro,bind /mnt'
is success "remounted read-only" inside "$all_ro" "${mapped[@]}"
is unavail "nothing in /var" inside 'mount -t tmpfs tmpfs /var' "${young[@]}"
is unavail "nothing in /var, often asked" inside 'mount -t tmpfs tmpfs /var' "${mapped[@]}"
is unavail "/var/lib is a file" inside 'mount -t tmpfs tmpfs /var && : >/var/lib' "${young[@]}"
is unavail "an empty image" inside 'mount --bind /dev/null /var/lib/scimd/accounts.image' "${young[@]}"

echo "# a user namespace in which nobody is mapped, whoever owns the image"
for owner in 0 500; do
  chown "$owner" /var/lib/scimd /var/lib/scimd/accounts.image
  is success "owner $owner, unmapped" unshare --user "${young[@]}"
  is success "owner $owner, unmapped, mapped image" unshare --user "${mapped[@]}"
  is success "owner $owner, root alone" unshare --user --map-root-user "${young[@]}"
done
chown 1500 /var/lib/scimd/accounts.image # a person's file is not taken
is unavail "owner 1500" "${young[@]}"
chown 0 /var/lib/scimd /var/lib/scimd/accounts.image

echo "# standard streams closed"
r=0; "$ask" user00001 <&- 2>&- | cat >"$NS_TMP/out" || r=$?
[ "$(grep -c success "$NS_TMP/out")" = 3 ]

echo "# libraries of the same names, which abort"
printf '#include <stdlib.h>\n' >"$NS_TMP/hostile.c"
for lib in liblmdb.so.0 libjson-c.so.5 libcurl.so.4 libcrypto.so.3 libsystemd.so.0; do
  path=$(ldconfig -p | awk -v l="$lib" '$1 == l { p = $NF } END { print p }')
  nm -D --defined-only "$path" | sed -nE 's/^[0-9a-f]+ T ((mdb|json|curl|SHA|EVP|sd)_[A-Za-z0-9_]+).*/void \1(void); void \1(void) { abort(); }/p'
done >>"$NS_TMP/hostile.c"
[ "$(grep -c 'abort()' "$NS_TMP/hostile.c")" -gt 500 ]
for f in mdb_env_open json_tokener_parse curl_easy_init; do grep -q "void $f(void) {" "$NS_TMP/hostile.c"; done
gcc -shared -fPIC -w -fno-builtin -o "$NS_TMP/hostile.so" "$NS_TMP/hostile.c"
is success "hostile libraries, young" env LD_PRELOAD="$NS_TMP/hostile.so" "${young[@]}"
is success "hostile libraries, mapped" env LD_PRELOAD="$NS_TMP/hostile.so" "${mapped[@]}"
LD_PRELOAD=$NS_TMP/hostile.so getent -s scim passwd user00001 | grep -q '^user00001:'
r=0; LD_PRELOAD=$NS_TMP/hostile.so scimd --check >/dev/null 2>&1 || r=$?
[ "$r" = 134 ] # SIGABRT: they do abort

echo "# interrupted at every system call on the image"
# An open or a read is done again; the kernel interrupts none of the others.
# Nine lookups: some read, the last ones map.
calls=0 step=4
[ "${NIGHTLY:-no}" = no ] || step=1
for call in openat pread64 newfstatat,fstat mmap close; do
  n=1
  while [ "$n" -lt 100 ]; do
    r=0
    strace -qq -o "$NS_TMP/strace" -P /var/lib/scimd/accounts.image -e "trace=$call" \
      -e "inject=$call:error=EINTR:when=$n" "$ask" -w 2 user00001 >"$NS_TMP/out" || r=$?
    grep -q INJECTED "$NS_TMP/strace" || break
    case $call:$r in
      *:0 | newfstatat,fstat:4 | mmap:4) ;;
      *) echo "$call number $n: $r" >&2; cat "$NS_TMP/out" "$NS_TMP/strace" >&2; exit 1 ;;
    esac
    calls=$((calls + 1))
    n=$((n < 6 ? n + 1 : n + step))
  done
  [ "$n" -lt 100 ]
done
echo "$calls calls interrupted"
[ "$calls" -gt 15 ]
