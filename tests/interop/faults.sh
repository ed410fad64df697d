#!/usr/bin/env bash
# Every fault that the SCIM server can show, at every endpoint of a sync: what is
# served afterwards is either what was served before (and scimd says that it
# failed) or the directory's new state, whole (and scimd says that it succeeded).
# Hostile data may take single records out, but nothing odd is ever served.
set -euo pipefail
if [ -z "${INSIDE:-}" ]; then
  INSIDE=1 exec unshare --mount --pid --net --fork --mount-proc --kill-child --propagation private "$0"
fi
cd "$SRC"
. tests/system/lib.sh
work=$(mktemp -d)
ns_prepare "$work" "$BUILD"
scim_start tests/realscim --users 300 --groups 6 --cap 100
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

# The old state, and what it should become: 3 people gone, 2 new, 1 renamed.
mkdir "$NS_TMP/old"
run "$NS_TMP/old"
admin /__churn '{"remove":3,"add":2,"rename":1}' >/dev/null
cp -a "$NS_TMP/old" "$NS_TMP/new"
run "$NS_TMP/new"
served "$NS_TMP/old" >"$NS_TMP/old.json"
served "$NS_TMP/new" >"$NS_TMP/new.json"
if cmp -s "$NS_TMP/old.json" "$NS_TMP/new.json"; then echo "the directory did not change" >&2; exit 1; fi

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
  [first]='/Users.startIndex=1&' [middle]='/Users.startIndex=101&' [end]='/Users.startIndex=300&'
  [groups]='/Groups.startIndex=1&' [config]='/ServiceProviderConfig'
)
for where in first middle end groups config; do
  m=${at[$where]}
  # What must never be taken for an answer. The configuration of the provider is
  # read tolerantly, so a bad one does not end the sync.
  must=fail; [ $where = config ] && must=any
  for status in 400 403 409 412 500 503; do cell "$where/$status" "$m" "\"kind\":\"$status\",\"retryAfter\":0" $must; done
  for status in 301 302 307 308; do
    cell "$where/redirect-$status" "$m" "\"kind\":\"redirect\",\"status\":$status,\"location\":\"$SCIM_URL/Users\"" $must
  done
  cell "$where/429-absurd" "$m" '"kind":"429","retryAfter":999999999' $must
  cell "$where/429-date" "$m" '"kind":"429","retryDate":99999' $must
  for kind in hang drop half-header html empty truncate-json; do
    e=$must; [ $kind = hang ] && e=any
    cell "$where/$kind" "$m" "\"kind\":\"$kind\",\"ms\":3000" $e
  done
  for p in 0.1 0.5 0.9; do cell "$where/truncate-$p" "$m" "\"kind\":\"truncate\",\"at\":$p" any; done
  for kind in not-a-list array; do cell "$where/$kind" "$m" "\"kind\":\"$kind\"" $must; done
  cell "$where/deep" "$m" '"kind":"deep","depth":3000' $must
  cell "$where/huge" "$m" '"kind":"huge","bytes":200000000' $must
  for kind in missing-page short-page repeat-page duplicate no-ids; do
    cell "$where/$kind" "$m" "\"kind\":\"$kind\",\"n\":5" any
  done
  cell "$where/total-more" "$m" '"kind":"bad-total","delta":7' any
  cell "$where/total-less" "$m" '"kind":"bad-total","delta":-7' any
  for kind in wrong-types control; do cell "$where/$kind" "$m" "\"kind\":\"$kind\"" data; done
  e=fail; case $where in config) e=any ;; end) e=any ;; esac
  cell "$where/bad-utf8" "$m" '"kind":"bad-utf8"' any
  cell "$where/slow" "$m" '"kind":"slow","ms":300' ok
done
# What else a directory says of itself is a help and no more.
for where in ResourceTypes Schemas; do
  for kind in 500 401 redirect drop html empty truncate-json array not-a-list wrong-types deep bad-utf8; do
    cell "$where/$kind" "/$where" "\"kind\":\"$kind\",\"depth\":3000,\"location\":\"$SCIM_URL/Users\"" ok
  done
done
# Once is passing: tried again, and whole.
for kind in 500 503 429 drop; do
  rm -rf "$NS_TMP/cell"; cp -a "$NS_TMP/old" "$NS_TMP/cell"
  curl -sf --noproxy '*' -X DELETE "$SCIM_ROOT/__fault" >/dev/null
  admin /__fault "{\"match\":\"/Users\",\"count\":1,\"kind\":\"$kind\",\"retryAfter\":1}" >/dev/null
  run "$NS_TMP/cell" >"$NS_TMP/log" 2>&1 || { bad=$((bad + 1)); echo "$kind once: not tried again" >&2; }
  served "$NS_TMP/cell" | cmp -s - "$NS_TMP/new.json" || { bad=$((bad + 1)); echo "$kind once: other state" >&2; }
  cells=$((cells + 1))
done
echo "$cells cells, $bad bad"
[ "$bad" = 0 ] && [ "$cells" -ge 120 ]
