#!/usr/bin/env bash
# Every harness of tests/fuzz, built by clang with libFuzzer and the address and
# undefined-behaviour sanitizers, for SECONDS_EACH (60) seconds, or with RUNS= for so
# many inputs. A finding fails the test, and its input is kept in ARTEFACTS (or printed).
#   ./tests/nightly/fuzz.sh [NAME…]    with SRC and BUILD as tests/run sets them
#   CORPUS=DIR keeps what was found of interest, and begins with it the next time
set -euo pipefail
cd "$SRC"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
fuzz=${FUZZ_BUILD:-$work/build}
corpus=${CORPUS:-$work/corpus}
each="-max_total_time=${SECONDS_EACH:-60}"
[ -z "${RUNS:-}" ] || each="-runs=$RUNS"
# What is freed is not kept long: an arena's first piece is large, and filled.
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=4:max_free_fill_size=4096
floors="agent hookdir directory config lockout helper pamparts decide identity client store http image image-read scim columns base"
libs=$(pkg-config --libs libcurl json-c lmdb libsystemd ini_config libcrypto libmicrohttpd gnutls zlib smartcols 2>/dev/null) ||
  libs="-lcurl -ljson-c -llmdb -lsystemd -lini_config -lcollection -lbasicobjects -lcrypto -lmicrohttpd -lgnutls -lz -lsmartcols"
mkdir -p "$fuzz"
if [ ! -e "$fuzz/Makefile" ]; then
  (cd "$fuzz" && "$SRC/configure" --quiet CC=clang CFLAGS="-g -O1 -fsanitize=fuzzer-no-link" --enable-sanitizers --disable-shared) >"$work/log" 2>&1 ||
    { tail -n 40 "$work/log"; exit 1; }
fi
(cd "$fuzz" && for f in $floors; do printf 'lib%s.la ' "$f"; done | xargs make -s -j2) >"$work/log" 2>&1 || { tail -n 40 "$work/log"; exit 1; }
archives=()
for f in $floors; do archives+=("$fuzz/.libs/lib$f.a"); done
# The first inputs: what directories say, the resources in it, what providers send.
seeds() {
  local f n=0
  mkdir -p "$corpus/$1"
  [ -z "$(ls -A "$corpus/$1")" ] || return 0
  case $1 in
    answer) for f in tests/golden/*/*.json; do n=$((n + 1)); [ "$(stat -c %s "$f")" -gt 8000 ] || { printf a; cat "$f"; } >"$corpus/answer/$n"; done ;;
    accept) jq -c '.Resources[]?' tests/golden/*/*.json | split -l 1 - "$corpus/accept/" ;;
    patch) jq -c '.. | objects | select(has("Operations"))' tests/directory/sequences/*.json | split -l 1 - "$corpus/patch/" ;;
    filter) grep -ohE '"(path|filter)": *"[^"\\]+"' -r tests/directory/sequences | sed 's/^[^:]*: *"//; s/"$//' | sort -u | split -l 1 - "$corpus/filter/" ;;
    config) cp packaging/scimd.conf "$corpus/config/" ;;
  esac
}
bad=0
for src in tests/fuzz/*.c; do
  name=$(basename "$src" .c)
  [ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
  # shellcheck disable=SC2086
  clang -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. -Iinclude -I"$fuzz" $(pkg-config --cflags json-c libsystemd) \
    "$src" -Wl,--start-group "${archives[@]}" -Wl,--end-group $libs -lunistring -lpthread -o "$work/$name"
  seeds "$name"
  start=$SECONDS
  if ! (cd "$work" && "./$name" "$each" -timeout=60 -rss_limit_mb=2048 -max_len=8192 -dict="$SRC/tests/fuzz/scim.dict" \
    -print_final_stats=1 -artifact_prefix="$work/$name-" "$corpus/$name") >"$work/$name.log" 2>&1; then
    bad=1
    echo "$name: a finding" >&2
    grep -avE '^#[0-9]+\s' "$work/$name.log" | tail -n 40 >&2
    for f in "$work/$name"-*; do [ -s "$f" ] && { [ -z "${ARTEFACTS:-}" ] || cp "$f" "$ARTEFACTS/"; base64 "$f" | head -n 20 >&2; }; done
  fi
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log") inputs in $((SECONDS - start)) s," \
    "$(grep -a ' cov: ' "$work/$name.log" | tail -n 1 | sed 's/.*cov: \([0-9]*\).*/\1/') edges"
done
exit $bad
