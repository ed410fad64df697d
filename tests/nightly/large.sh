#!/usr/bin/env bash
# As much as a directory may say: a group of a million members, and lists of users and
# of groups that are as long as is read, and longer. What is within the limits is
# served whole; what is not is refused, and what was served stays. Prints what each
# took.
#   MEMBERS=, RESOURCES=: other sizes
set -euo pipefail
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
cd "$SRC"
. tests/system/lib.sh
work=$(mktemp -d)
ns_prepare "$work" "$BUILD"
members=${MEMBERS:-1000000}
most=${RESOURCES:-$(sed -n 's/^#define PULL_RESOURCES_MAX \([0-9]*\)u$/\1/p' scimd/client/pull.c)}
fast_start 500 5
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
printf '[directory/corp]\nurl = %s\ntoken = corp\ntimeout = 10min\n[access]\nallow = all\n' "$SCIM_URL" >/etc/scimd/scimd.conf
served() { scimctl --json list users; scimctl --json list groups; }
bad=0
# once WHAT: a sync; its exit code in $r
once() {
  local job now anon=0 file=0 start
  start=$(date +%s%N)
  scimd --once 2>"$NS_TMP/log" &
  job=$!
  while now=$(awk '/^RssAnon/ { a = $2 } /^RssFile/ { print a, $2 }' "/proc/$job/status" 2>/dev/null) && [ -n "$now" ]; do
    [ "${now% *}" -le "$anon" ] || anon=${now% *}
    [ "${now#* }" -le "$file" ] || file=${now#* }
    read -rt 0.02 <> <(:) || :
  done
  r=0
  wait "$job" || r=$?
  echo "$1: exit $r, $((($(date +%s%N) - start) / 1000000)) ms, $((anon / 1024)) MiB of its own, $((file / 1024)) MiB of files;" \
    "store $(du -m /var/lib/scimd/private/data.mdb | cut -f1) MiB, image $(du -m /var/lib/scimd/accounts.image | cut -f1) MiB: $(tail -n 1 "$NS_TMP/log")"
  peak=$((anon / 1024))
}
fails() { echo "$1" >&2; sed 's/^/    /' "$NS_TMP/log" >&2; bad=1; }
once "ordinary"
[ "$r" = 0 ] || fails "the ordinary sync"
served >"$NS_TMP/before"

# A group that is larger than its directory: strangers are no members, the rest are.
# One answer of 64 MiB is refused whole; a group of more than may be, alone.
admin /__fault "{\"match\":\"/Groups\",\"kind\":\"crowd\",\"members\":$members}" >/dev/null
once "a group of $members members"
if [ "$r" = 0 ] && grep -q 'group "crowd": ' "$NS_TMP/log"; then
  served | cmp -s - "$NS_TMP/before" || fails "a group that was refused changed what is served"
elif [ "$r" = 0 ]; then
  [ "$(getent group crowd | cut -d: -f4 | tr , '\n' | wc -l)" = 475 ] || fails "crowd does not have the 475 who are not disabled"
  [ "$(getent group crowd | cut -d: -f4 | tr , '\n' | sort -u | wc -l)" = 475 ] || fails "crowd has somebody twice"
  once "the same again"
  [ "$r" = 0 ] || fails "the group of $members members again"
else
  served | cmp -s - "$NS_TMP/before" || fails "a refused group changed what is served"
fi
[ "$peak" -lt 1024 ] || fails "the group took $peak MiB"

for kind in group user; do
  where=$([ $kind = user ] && echo Users || echo Groups)
  for n in "$most" $((most + 1000)); do
    rm -rf /var/lib/scimd/private /var/lib/scimd/accounts.image*
    admin /__fault '{"match":"nothing","kind":"masses","total":0}' >/dev/null
    once "ordinary"
    served >"$NS_TMP/before"
    admin /__fault "{\"match\":\"/$where\",\"kind\":\"masses\",\"kindOf\":\"$kind\",\"total\":$n}" >/dev/null
    once "a list of $n ${kind}s"
    if [ "$n" -gt "$most" ] && [ "$r" = 0 ]; then fails "a list that is too long was taken"; fi
    if [ "$r" = 0 ]; then
      getent "$([ $kind = user ] && echo passwd || echo group)" "mass$n" >/dev/null || fails "mass$n is not served"
    else
      served | cmp -s - "$NS_TMP/before" || fails "a refused list changed what is served"
    fi
  done
done
exit $bad
