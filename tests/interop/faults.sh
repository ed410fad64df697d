#!/usr/bin/env bash
# Every fault that the SCIM server can show, at every endpoint of a sync: what is
# served afterwards is either what was served before (and scimd says that it
# failed) or the directory's new state, whole (and scimd says that it succeeded).
# Hostile data may take single records out, but nothing odd is ever served.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
(umask 077; echo secret >/etc/scimd/credentials.d/corp)

conf() { # conf STATE_DIR
  cat >"$NS_TMP/scimd.conf" <<EOF
[scimd]
state_dir = $1
[directory/corp]
url = $SCIM_URL
token = corp
timeout = 2s
[access]
allow = all
EOF
}
run() { conf "$1"; scimd --config "$NS_TMP/scimd.conf" --once; }
served() { scimctl --state-dir "$1" --json list users; scimctl --state-dir "$1" --json list groups; }

# A directory of this lane's own: the old state, and what it should become: 3 people
# gone, 2 new, 1 renamed.
begin() {
  NS_TMP=$NS_TMP/$1
  mkdir "$NS_TMP" "$NS_TMP/old"
  scim_start tests/realscim --users 60 --groups 6 --cap 20
  run "$NS_TMP/old"
  admin /__churn '{"remove":3,"add":2,"rename":1}' >/dev/null
  cp -a "$NS_TMP/old" "$NS_TMP/new"
  run "$NS_TMP/new"
  served "$NS_TMP/old" >"$NS_TMP/old.json"
  served "$NS_TMP/new" >"$NS_TMP/new.json"
  if cmp -s "$NS_TMP/old.json" "$NS_TMP/new.json"; then echo "the directory did not change" >&2; exit 1; fi
}

cells=0 bad=0
# cell NAME MATCH FAULT EXPECT: EXPECT is fail, ok, any or data
cell() {
  local r=0 what
  cells=$((cells + 1))
  rm -rf "$NS_TMP/cell"
  cp -a "$NS_TMP/old" "$NS_TMP/cell"
  curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__fault" >/dev/null
  admin /__fault "{\"match\":\"$2\",\"count\":-1,$3}" >/dev/null
  run "$NS_TMP/cell" >"$NS_TMP/log" 2>&1 || r=$?
  served "$NS_TMP/cell" >"$NS_TMP/cell.json"
  if cmp -s "$NS_TMP/cell.json" "$NS_TMP/old.json"; then what=old
  elif cmp -s "$NS_TMP/cell.json" "$NS_TMP/new.json"; then what=new
  else what=other; fi
  case $4:$r:$what in
    fail:1:old | ok:0:new | any:1:old | any:0:new) return 0 ;;
    data:*)
      # Refused records are fine; a name that breaks the rules is not.
      if grep -oE '"name":"[^"]*"' "$NS_TMP/cell.json" | grep -qvE '^"name":"[a-z_][a-z0-9_.~-]*"$'; then :; else return 0; fi ;;
  esac
  bad=$((bad + 1))
  echo "cell $1: expected $4, exit $r, serves the $what state" >&2
  tail -n 3 "$NS_TMP/log" >&2
}

declare -A at=(
  [first]='/Users.startIndex=1&' [middle]='/Users.startIndex=21&' [end]='/Users.startIndex=60&'
  [groups]='/Groups.startIndex=1&' [config]='/ServiceProviderConfig'
)
# What must never be taken for an answer. The configuration of the provider is read
# tolerantly, so a bad one does not end the sync.
must() { if [ "$1" = config ]; then echo any; else echo fail; fi; }

# The faults that are tried again, politely, which takes its time ...
patient() {
  local m=${at[$1]} p
  begin "patient-$1"
  cell "$1/hang" "$m" '"kind":"hang","ms":3000' any
  cell "$1/drop" "$m" '"kind":"drop","ms":3000' "$(must "$1")"
  for p in 0.1 0.5 0.9; do cell "$1/truncate-$p" "$m" "\"kind\":\"truncate\",\"at\":$p" any; done
}
# ... and the others.
plain() {
  local m=${at[$1]} must status kind
  must=$(must "$1")
  begin "plain-$1"
  for status in 400 403 409 412 500 503; do cell "$1/$status" "$m" "\"kind\":\"$status\",\"retryAfter\":0" "$must"; done
  for status in 301 302 307 308; do
    cell "$1/redirect-$status" "$m" "\"kind\":\"redirect\",\"status\":$status,\"location\":\"$SCIM_URL/Users\"" "$must"
  done
  cell "$1/429-absurd" "$m" '"kind":"429","retryAfter":999999999' "$must"
  cell "$1/429-date" "$m" '"kind":"429","retryDate":99999' "$must"
  for kind in half-header html empty truncate-json; do cell "$1/$kind" "$m" "\"kind\":\"$kind\"" "$must"; done
  for kind in not-a-list array; do cell "$1/$kind" "$m" "\"kind\":\"$kind\"" "$must"; done
  cell "$1/deep" "$m" '"kind":"deep","depth":3000' "$must"
  cell "$1/huge" "$m" '"kind":"huge","bytes":200000000' "$must"
  for kind in missing-page short-page repeat-page duplicate no-ids; do
    cell "$1/$kind" "$m" "\"kind\":\"$kind\",\"n\":5" any
  done
  cell "$1/total-more" "$m" '"kind":"bad-total","delta":7' any
  cell "$1/total-less" "$m" '"kind":"bad-total","delta":-7' any
  for kind in wrong-types control; do cell "$1/$kind" "$m" "\"kind\":\"$kind\"" data; done
  cell "$1/bad-utf8" "$m" '"kind":"bad-utf8"' any
  cell "$1/slow" "$m" '"kind":"slow","ms":300' ok
}
# What else a directory says of itself is a help and no more.
discovery() {
  local kind
  begin "discovery-$1"
  for kind in 500 401 redirect drop html empty truncate-json array not-a-list wrong-types deep bad-utf8; do
    cell "$1/$kind" "/$1" "\"kind\":\"$kind\",\"depth\":3000,\"location\":\"$SCIM_URL/Users\"" ok
  done
}
# Once is passing: tried again, and whole.
passing() {
  local kind
  begin passing
  for kind in 500 503 429 drop; do
    rm -rf "$NS_TMP/cell"; cp -a "$NS_TMP/old" "$NS_TMP/cell"
    curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__fault" >/dev/null
    admin /__fault "{\"match\":\"/Users\",\"count\":1,\"kind\":\"$kind\",\"retryAfter\":1}" >/dev/null
    run "$NS_TMP/cell" >"$NS_TMP/log" 2>&1 || { bad=$((bad + 1)); echo "$kind once: not tried again" >&2; }
    served "$NS_TMP/cell" | cmp -s - "$NS_TMP/new.json" || { bad=$((bad + 1)); echo "$kind once: other state" >&2; }
    cells=$((cells + 1))
  done
}

# Side by side, for most of the time is spent waiting.
results=$NS_TMP lanes=(passing 'discovery ResourceTypes' 'discovery Schemas')
for where in first middle end groups config; do lanes+=("patient $where" "plain $where"); done
for lane in "${lanes[@]}"; do
  ($lane; scim_stop; echo "$cells $bad" >"$results/done.${lane/ /-}") &
done
wait
for lane in "${lanes[@]}"; do
  read -r c b <"$results/done.${lane/ /-}" || { echo "$lane: did not end" >&2; exit 1; }
  cells=$((cells + c)) bad=$((bad + b))
done
echo "$cells cells, $bad bad"
[ "$bad" = 0 ] && [ "$cells" -ge 208 ]
