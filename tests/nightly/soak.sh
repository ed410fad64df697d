#!/usr/bin/env bash
# scimd for 1,800 complete syncs (SYNCS=) of a directory that changes all the time and
# answers with a fault every third time, while a process looks people up: what is served
# is at every moment the old state or the new one, whole; scimd's memory does not grow
# with the syncs, nor its descriptors. Prints the figures.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
gcc -D_GNU_SOURCE -O1 -o "$NS_TMP/ask" tests/system/nss_ask.c -ldl
syncs=${SYNCS:-1800}
scim_start tests/realscim --users 300 --groups 12 --cap 100 --token secret
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
printf '[scimd]\ninterval = 1d\nfull_interval = 7d\n[directory/corp]\nurl = %s\ntoken = corp\ntimeout = 2s\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
scimd_start
"$NS_TMP/ask" -l user00001 >"$NS_TMP/asked" 2>&1 &
asker=$!
api() { curl -sf --noproxy '*' -H 'Authorization: Bearer secret' "$@"; }
# Who is active, there and here.
there() { for i in 1 101 201 301 401; do api "$SCIM_URL/Users?startIndex=$i&count=100"; done | jq -r '.Resources[]? | select(.active) | .userName' | sort; }
here() { scimctl --json list users | jq -r '.users[] | select(.state == "active") | .name' | sort; }
files() { find "/proc/$SCIMD_PID/fd" -mindepth 1 | wc -l; }
own() { awk '/^RssAnon/ { print $2 }' "/proc/$SCIMD_PID/status"; }
faults=('"kind":"500","retryAfter":0' '"kind":"drop"' '"kind":"truncate","at":0.6' '"kind":"truncate-json","at":0.5' '"kind":"html"'
  '"kind":"missing-page"' '"kind":"short-page","n":3' '"kind":"repeat-page"' '"kind":"duplicate"' '"kind":"bad-total","delta":7'
  '"kind":"no-ids"' '"kind":"not-a-list"' '"kind":"array"' '"kind":"bad-utf8"' '"kind":"deep","depth":3000' '"kind":"half-header"' '"kind":"redirect"' '"kind":"empty"')
good=0 failed=0 wrong=0
here >"$NS_TMP/old"
warm=$((syncs / 10))
for i in $(seq 1 "$syncs"); do
  admin /__churn "{\"add\":1,\"remove\":1,\"rename\":2,\"deactivate\":$((i % 5 == 0)),\"from\":$((20 + i % 150))}" >/dev/null
  if [ $((i % 3)) = 0 ]; then
    at=/Users; [ $((i % 2)) = 0 ] || at=/Groups
    admin /__fault "{\"match\":\"$at.startIndex=\",\"count\":9,${faults[i / 3 % ${#faults[@]}]},\"location\":\"$SCIM_URL/Users\"}" >/dev/null
  fi
  r=0
  scimctl sync --full --wait >/dev/null 2>"$NS_TMP/said" || r=$?
  curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__fault" >/dev/null
  here >"$NS_TMP/now"
  if [ "$r" = 0 ]; then good=$((good + 1)); there >"$NS_TMP/want"; else failed=$((failed + 1)); cp "$NS_TMP/old" "$NS_TMP/want"; fi
  # Who is explicitly disabled may be so after a sync that failed too.
  if ! cmp -s "$NS_TMP/now" "$NS_TMP/want" && { [ "$r" = 0 ] || comm -13 "$NS_TMP/want" "$NS_TMP/now" | grep -q .; }; then
    wrong=$((wrong + 1))
    echo "sync $i (exit $r): $(cat "$NS_TMP/said"): $(diff "$NS_TMP/want" "$NS_TMP/now" | head -n 5 | tr '\n' ' ')" >&2
  fi
  mv "$NS_TMP/now" "$NS_TMP/old"
  kill -0 "$SCIMD_PID"
  [ "$i" != "$warm" ] || { rss=$(own); fds=$(files); }
done
grew=$((($(own) - rss) * 1024 / (syncs - warm)))
kill "$asker"
wait "$asker" || :
echo "$good syncs, $failed failed by a fault; $wrong wrong states; lookups: $(tail -n 1 "$NS_TMP/asked")"
echo "memory: $rss KiB after $warm syncs, $(own) KiB after $syncs: $grew bytes a sync; descriptors: $fds, then $(files)"
[ "$wrong" = 0 ] && [ "$grew" -lt 1024 ] && [ "$(files)" -le "$fds" ] && [ "$good" -gt 0 ] && [ "$failed" -gt 0 ]
