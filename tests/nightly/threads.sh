#!/usr/bin/env bash
# The programs with threads, built by clang with its thread sanitizer, under the tests
# that give each thread something to do for a minute or two: no report.
set -euo pipefail
cd "$SRC"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
plain=$BUILD build=${THREADS_BUILD:-$work/build}
lib=usr/lib/$(gcc -print-multiarch)
[ -e "$build/Makefile" ] || { mkdir -p "$build"; (cd "$build" && "$SRC/configure" --quiet CC=clang CFLAGS='-O1 -g' --prefix=/usr --sysconfdir=/etc \
  --localstatedir=/var "--libdir=/$lib" --enable-sanitizers=thread) >"$work/log" 2>&1 || { tail -n 40 "$work/log"; exit 1; }; }
(make -s -C "$build" -j2 && make -s -C "$build" tests/unit/test_nss_suspend && make -s -C "$build" install DESTDIR="$build/root") \
  >"$work/log" 2>&1 || { tail -n 40 "$work/log"; exit 1; }
# The modules go into programs that have no sanitizer: as they are.
cp "$plain/root/$lib"/libnss_scim.so.2* "$build/root/$lib/"
cp "$plain/root/$lib/security/pam_scim.so" "$build/root/$lib/security/"
# A reader copies from a map and its description while another thread may exchange them,
# and looks afterwards whether what it copied counts (nss/source.c).
printf 'race:%s\n' image_copy '^exchange$' >"$work/known"
mkdir "$work/reports"
chmod 1777 "$work" "$work/reports"
export TSAN_OPTIONS="log_path=$work/reports/r suppressions=$work/known exitcode=66"
bad=0
start=$SECONDS
"$build/tests/unit/test_nss_suspend" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; bad=1; }
for t in system/live system/rhythm system/events system/from-directory system/lockout-brake directory/kill directory/hangup directory/protocol; do
  NIGHTLY=no BUILD=$build "tests/$t.sh" >"$work/log" 2>&1 || { echo "$t:"; tail -n 20 "$work/log"; bad=1; }
done
cat "$work"/reports/* 2>/dev/null && bad=1
echo "$((SECONDS - start)) s of threads, $(find "$work/reports" -type f | wc -l) reports"
exit $bad
