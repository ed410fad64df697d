#!/usr/bin/env bash
# A folder per product: answers shaped as its documentation shows them (users*.json,
# groups*.json), and what a host makes of them (expected). UPDATE=1 writes
# `expected` anew; read the difference before you commit it.
set -euo pipefail
cd "$SRC"
bad=0
for d in tests/golden/*/; do
  out=$("$BUILD/tests/golden/golden" "$d"users*.json $(ls "$d"groups*.json 2>/dev/null || :))
  if [ -n "${UPDATE:-}" ]; then
    printf '%s\n' "$out" >"$d/expected"
  elif ! diff -u --label "$d expected" "$d/expected" --label "$d today" <(printf '%s\n' "$out"); then
    bad=$((bad + 1))
  fi
done
echo "$(ls -d tests/golden/*/ | wc -l) products, $bad differ"
[ "$bad" = 0 ]
