#!/bin/bash
# SPDX-License-Identifier: MIT
#
# nss.sh BUILD_DIR: what libnss_scim costs, through the real glibc, against the
# limits this project holds itself to. BUILD_DIR is where `make bench`
# built. Everything happens in a private
# mount namespace: overlays on /etc and on the library directory, a tmpfs on
# /var/lib/scimd. Needs root (or `unshare -r`), strace, and a file system of a
# disk for BUILD_DIR, where the publish is timed. One line for each figure, "ok"
# or "over"; exit 1 if any is over, 77 if the namespace cannot be made.

set -eu -o pipefail

build=$(realpath "${1:?usage: nss.sh BUILD_DIR}")

if [ "${2:-}" != inside ]; then
	unshare -m --propagation private true || exit 77
	exec unshare -m --propagation private "$0" "$build" inside
fi

state=/var/lib/scimd
lib=$(dirname "$(realpath "$(ldconfig -p | awk '/libc\.so\.6 .*x86-64|libc\.so\.6 .*AArch64/ { print $NF; exit }')")")
work=$(mktemp -d /tmp/scimd-bench.XXXXXX)
disk=$(mktemp -d "$build/bench-disk.XXXXXX")
trap 'rm -rf "$disk"; umount -l "$work" 2>/dev/null; rmdir "$work" 2>/dev/null' EXIT
over=0

mount -t tmpfs -o mode=755 tmpfs "$work"
mkdir -p "$work"/{etc,lib,var}.{u,w}
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$work/etc.u,workdir=$work/etc.w" /etc
mount -t overlay overlay -o "lowerdir=$lib,upperdir=$work/lib.u,workdir=$work/lib.w" "$lib"
if [ ! -d $state ]; then
	mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$work/var.u,workdir=$work/var.w" /var/lib
	mkdir $state
fi
install -m 644 "$build/.libs/libnss_scim.so.2" "$build/.libs/libnss_scimempty.so.2" "$lib/"
build=$build/tests/bench

# row WHAT VALUE LIMIT UNIT
row() {
	local verdict
	verdict=$(awk -v v="$2" -v l="$3" 'BEGIN { print (v <= l) ? "ok" : "over" }')
	[ "$verdict" = ok ] || over=1
	printf '%-44s %10s  limit %8s %-9s %s\n' "$1" "$2" "$3" "$4" "$verdict"
}

figure() { # FILE WHAT: the best of several runs
	awk -v what="$2" '$1 == what && (best == "" || $2 < best) { best = $2 } END { print best }' "$1"
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

timings() { # USERS GROUPS LIMIT LIST_LIMIT
	local users=$1 groups=$2 per what empty ours i
	mount -t tmpfs -o mode=755 tmpfs $state
	per=$("$build/mkimage" $state "$users" "$groups" | sed 's/.*per-user \([0-9.]*\).*/\1/')
	for i in 1 2 3; do
		"$build/bench_nss" scimempty "$users" "$groups" >> "$work/empty.$users"
		"$build/bench_nss" scim "$users" "$groups" >> "$work/ours.$users"
	done
	for what in getpwnam getpwuid miss getgrouplist; do
		empty=$(figure "$work/empty.$users" $what)
		ours=$(figure "$work/ours.$users" $what)
		row "$what at $users users ($ours/$empty ns)" "$(ratio "$ours" "$empty")" \
			"$([ $what = getgrouplist ] && echo "$4" || echo "$3")" "x empty"
	done
	ours=$(figure "$work/ours.$users" getgrgid)
	empty=$(figure "$work/ours.$users" plain)
	row "group at $users users ($ours/$empty ns)" "$(ratio "$ours" "$empty")" 1.5 "x loop"
	row "bytes of the image, $users users" "$per" 280 "per user"
	umount $state
}

calls_of_one() { # from the open of the image to its close
	strace -o "$work/one" "$build/bench_nss" once scim 1
	awk '/accounts\.image/ { on = 1 } on { n++ } on && /^close\(/ { print n; exit }' "$work/one"
}

calls_in_all() {
	strace -o "$work/all" "$build/bench_nss" once scim "$1" > /dev/null
	wc -l < "$work/all"
}

process() {
	local i all calls
	mount -t tmpfs -o mode=755 tmpfs $state
	"$build/mkimage" $state 1000 100 > /dev/null
	chown 500 $state $state/accounts.image # as in life: not root's
	row "system calls of one lookup" "$(calls_of_one)" 8 calls
	row "system calls of 1000 warm lookups" $(($(calls_in_all 2000) - $(calls_in_all 1000))) 0 calls
	for i in 1 2 3 4 5 6 7 8 9; do
		"$build/bench_nss" once scim 6 # the next one maps
		"$build/bench_nss" bare $state/accounts.image 6
	done > "$work/once"
	all=$(awk '$1 == "first" { print $4 }' "$work/once" | sort -n | head -1)
	calls=$(awk '$1 == "bare" { print $2 }' "$work/once" | sort -n | head -1)
	row "lookup without a map ($all - $calls ns of calls)" $((all - calls)) 2500 ns
	umount $state
}

publishing() {
	local i best
	for i in 1 2 3 4 5; do
		"$build/mkimage" "$disk" 100000 2000
	done > "$work/publish"
	best=$(sed 's/.*publish-ms \([0-9.]*\) plain-ms \([0-9.]*\)/\1 \2/' "$work/publish" |
		awk '{ p += $1; w += $2 } END { printf "%.1f %.1f", p / NR, w / NR }')
	row "publish of 100000 users (${best/ //} ms)" "$(ratio ${best/ / })" 5 "x write"
}

timings 1000 100 2.5 2
timings 100000 2000 5 3
process
publishing
exit $over
