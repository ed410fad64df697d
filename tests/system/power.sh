#!/usr/bin/env bash
# The power fails. What a sync did to the disk is recorded; then every moment of it is
# played back into a copy of the old state: with all that was done until then, with
# only what was synced, and with random parts of what was not. In each of them the
# store opens, the old or the new accounts are served or none (never a wrong one), and
# the next sync brings the new state with everybody's number as it was.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
fast_start 60 3
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
random=60 every=8
[ "${NIGHTLY:-no}" = no ] || random=2000 every=1
state=$NS_TMP/state # always the same place: its name is in the record
printf '[scimd]\nstate_dir = %s\n[directory/corp]\nurl = %s\ntoken = corp\n[access]\nallow = all\n' "$state" "$SCIM_URL" >/etc/scimd/scimd.conf
served() { scimctl --state-dir "$state" --json list users; scimctl --state-dir "$state" --json list groups; }

mkdir "$state"
scimd --once
served >"$NS_TMP/old.json"
admin /__churn '{"deactivate":1,"from":3}' >/dev/null
admin /__churn '{"add":40,"remove":1}' >/dev/null
cp -a "$state" "$NS_TMP/old"
strace -f -y -xx -s 100000000 -o "$NS_TMP/record" \
  -e trace=openat,lseek,write,pwrite64,pwritev,writev,fsync,fdatasync,ftruncate,fallocate,rename,link,unlink,mkdir \
  scimd --once
served >"$NS_TMP/new.json"
if cmp -s "$NS_TMP/old.json" "$NS_TMP/new.json"; then echo "nothing changed" >&2; exit 1; fi
node tests/system/power.mjs "$NS_TMP" "$every" "$random" "${SEED:-$RANDOM}"
