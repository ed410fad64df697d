#!/usr/bin/env bash
# test_decide walks every line and takes every branch of pam/decide.c: gcov says so.
set -euo pipefail
cd "$SRC"
command -v gcov >/dev/null || { echo "gcov is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for f in pam/decide.c tests/unit/test_decide.c; do
  gcc -std=gnu11 -O0 --coverage -D_GNU_SOURCE -I. -Iinclude -c "$f" -o "$work/$(basename "$f" .c).o"
done
gcc --coverage "$work"/*.o -lcmocka -o "$work/test"
"$work/test" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
top=$PWD
(cd "$work" && gcov -b -o "$work" "$top/pam/decide.c") >"$work/gcov" 2>/dev/null
awk '/^File/ { on = /pam\/decide\.c/ } /^Creating/ { on = 0 } on' "$work/gcov" | tee "$work/ours"
[ "$(grep -cE '^(Lines executed|Branches executed|Taken at least once):100.00% of' "$work/ours")" = 3 ] ||
  { grep -nE '^(branch .*(taken 0%|never)|.*#####)' "$work"/decide.c.gcov >&2 || :; exit 1; }
