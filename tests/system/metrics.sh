#!/usr/bin/env bash
# scimctl metrics: OpenMetrics that a strict reader takes, figures that are what
# happened, something to say without the daemon and without an image; the alert rules
# name figures that there are.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ip link set lo up
failed() { echo "FAILED: $1" >&2; cat "$NS_TMP/metrics" >&2; tail -n 20 "$NS_TMP/scimd.log" >&2; exit 1; }
cat >"$NS_TMP/check.mjs" <<'END'
// What OpenMetrics demands: exits 1 with the first line that is not as it should be.
import { readFileSync } from 'fs'
const text = readFileSync(0, 'utf8'), families = new Map(), samples = new Set()
const bad = why => { console.error(why); process.exit(1) }
if (!text.endsWith('\n# EOF\n')) bad('no # EOF at the end')
const name = '[a-zA-Z_:][a-zA-Z0-9_:]*', string = '"(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const sample = new RegExp(`^(${name})(?:\\{((?:[a-zA-Z_][a-zA-Z0-9_]*=${string})(?:,[a-zA-Z_][a-zA-Z0-9_]*=${string})*)\\})? (-?[0-9]+(?:\\.[0-9]+)?)$`)
const ends = { gauge: [''], counter: ['_total'], summary: ['_count', '_sum'] }
let f
for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
  let m
  if ((m = /^# TYPE (\S+) (\S+)$/.exec(line))) {
    if (f && !f.count) bad(`${f.name} has no sample`)
    if (families.has(m[1])) bad(`${m[1]} comes twice`)
    if (!ends[m[2]] || !new RegExp(`^${name}$`).test(m[1])) bad(line)
    if (m[2] === 'counter' && m[1].endsWith('_total')) bad(`${m[1]}: the family of a counter has no _total`)
    families.set(m[1], f = { name: m[1], type: m[2], count: 0 })
  } else if ((m = /^# UNIT (\S+) (\S+)$/.exec(line))) {
    if (!f || m[1] !== f.name || f.unit || f.help || f.count || !f.name.endsWith('_' + m[2])) bad(line)
    f.unit = m[2]
  } else if ((m = /^# HELP (\S+) (.+)$/.exec(line))) {
    if (!f || m[1] !== f.name || f.help || f.count || /["\\]/.test(m[2])) bad(line)
    f.help = m[2]
  } else if ((m = sample.exec(line))) {
    if (!f || !f.help || !ends[f.type].some(e => m[1] === f.name + e)) bad(`not of its family: ${line}`)
    const labels = [...(m[2] ?? '').matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="/g)].map(x => x[1])
    if (new Set(labels).size !== labels.length) bad(`a label twice: ${line}`)
    const key = m[1] + '{' + (m[2] ?? '')
    if (samples.has(key)) bad(`twice: ${line}`)
    samples.add(key)
    if (f.type !== 'gauge' && Number(m[3]) < 0) bad(`negative: ${line}`)
    f.count++
  } else bad(`not OpenMetrics: ${line}`)
}
if (!f || !f.count) bad('nothing')
END
check() { node "$NS_TMP/check.mjs" <"${1:-$NS_TMP/metrics}"; }
metrics() { scimctl metrics >"$NS_TMP/metrics" || failed "scimctl metrics: exit $?"; check || failed 'not OpenMetrics'; }
value() { awk -v n="$1" '$1 == n { print $2; found = 1 } END { if (!found) print "none" }' "$NS_TMP/metrics"; }
is() { [ "$(value "$1")" = "$2" ] || failed "$1 is $(value "$1"), not $2"; }

echo '# without daemon and image'
metrics
is scimd_up 0; is scimd_image_readable 0; is scimd_users none
[ "$(wc -l < <(scimctl metrics --names))" -ge 30 ]

printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
directory serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")
for who in ann ben cem dan 'odd name'; do directory user add "$who@example.com"; done
directory group add linux --member ann@example.com --member ben@example.com
cat >/etc/scimd/scimd.conf <<CONF
[scimd]
interval = 1h
full_interval = 1h
[directory/corp]
url = http://127.0.0.1:$port/scim/v2
token = corp
[access]
allow = groups.display eq "linux"
CONF
scimd_start
connected() { metrics; [ "$(value 'scimd_directory_events_connected{directory="corp"}')" = 1 ]; }
tenacious 10 connected || failed 'it does not listen'

echo '# after the first sync'
is scimd_up 1; is scimd_health 0; is scimd_image_readable 1
is scimd_users 4; is scimd_users_active 4; is scimd_users_allowed 2; is scimd_groups 1
is scimd_records_refused 1; is 'scimd_records{effect="refused",code="name"}' 1
is 'scimd_directory_users{directory="corp"}' 5; is 'scimd_directory_failed{directory="corp"}' 0; is 'scimd_directory_held{directory="corp"}' 0
is 'scimd_syncs_total{kind="full",result="good"}' 1; is 'scimd_syncs_total{kind="full",result="failed"}' 0
is 'scimd_sync_duration_seconds_count{kind="full"}' 1
awk -v s="$(value 'scimd_sync_duration_seconds_sum{kind="full"}')" -v a="$(value scimd_confirmed_age_seconds)" -v d="$(value 'scimd_directory_sync_age_seconds{directory="corp"}')" \
  'BEGIN { exit !(s > 0 && s < 60 && a >= 0 && a < 60 && d >= 0 && d < 60) }' || failed 'times'
is scimd_stale_warn_seconds 86400; is scimd_stale_deny_seconds 604800
is scimd_last_sync_good 1; is scimd_time_to_deny_seconds none; is scimd_doors_closed_total 0
is 'scimd_build_info{version="'"$(scimctl version | cut -d' ' -f2)"'"}' 1
is scimd_image_size_bytes "$(stat -c %s /var/lib/scimd/accounts.image)"

echo '# questions about one person'
scimctl check ann >/dev/null
metrics; is 'scimd_live_checks_total{outcome="active"}' 1; is scimd_live_check_duration_seconds_count 1

echo '# a leaver'
setpriv --reuid ann --regid ann --clear-groups sleep 1000 &
tenacious 5 pgrep -u ann
directory user disable ann@example.com
over() { metrics; [ "$(value 'scimd_lockouts_total{result="done"}')" = 1 ]; }
tenacious 15 over || failed 'no lock-out'
is scimd_doors_closed_total 1; is scimd_processes_ended_total 1; is scimd_lockouts_queued 0; is scimd_lockouts_held 0; is scimd_users_active 3
[ "$(value scimd_time_to_deny_seconds)" = "$(value scimd_time_to_deny_max_seconds)" ]
# The same figure as the evidence has.
ms=$(scimctl --json evidence --user ann | sed 's/.*"time_to_deny_ms":\([0-9]*\).*/\1/')
awk -v a="$(value scimd_time_to_deny_seconds)" -v b="$ms" 'BEGIN { exit !(a * 1000 == b) }' || failed "time to deny: $ms ms"
scimctl check ann >/dev/null && failed 'ann is active'
metrics; is 'scimd_live_checks_total{outcome="disabled"}' 1; is scimd_live_check_duration_seconds_count 2

echo '# anybody may ask; into a file whole or not at all'
setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/root/usr/bin/scimctl" metrics >"$NS_TMP/other"
check "$NS_TMP/other"; grep -q '^scimd_up 1$' "$NS_TMP/other"
command=$(sed -n 's/^ExecStart=\/usr\/bin\///p' packaging/systemd/scimd-metrics.service)
mkdir "$NS_TMP/collector"
# shellcheck disable=SC2086
${command/\/var\/lib\/prometheus\/node-exporter/$NS_TMP/collector}
check "$NS_TMP/collector/scimd.prom"
[ "$(ls -A "$NS_TMP/collector")" = scimd.prom ]; [ "$(stat -c %a "$NS_TMP/collector/scimd.prom")" = 644 ]
strace -f -qq -e trace=openat,fsync,rename,renameat,renameat2 -o "$NS_TMP/trace" scimctl metrics --output "$NS_TMP/collector/scimd.prom"
tr -d '\n' <"$NS_TMP/trace" | grep -q 'scimd.prom.tmp.*fsync(.*rename' || failed "$(cat "$NS_TMP/trace")"
if scimctl metrics --output "$NS_TMP/none/x.prom" 2>/dev/null; then failed 'no such folder'; fi

echo '# a token that is refused, and a brake that holds'
directory token revoke host
scimctl sync --wait 2>/dev/null && failed 'without a token'
metrics; is 'scimd_directory_token_rejected{directory="corp"}' 1; is 'scimd_directory_failed{directory="corp"}' 1; is scimd_health 2
is 'scimd_syncs_total{kind="full",result="failed"}' 1; is scimd_last_sync_good 0
(umask 077; directory token create --name again --scope read >/etc/scimd/credentials.d/corp)
# By lists alone: an event that says who is gone is no absence.
printf '[directory/corp]\nevents = off\n' >/etc/scimd/conf.d/events.conf
scimctl reload; tenacious 10 scimctl sync --wait
for i in $(seq 20); do directory user add "extra$i@example.com"; done
scimctl sync --wait >/dev/null
for i in $(seq 20); do directory user delete "extra$i@example.com"; done
scimctl sync --wait 2>/dev/null && failed 'no brake'
metrics; is 'scimd_directory_held{directory="corp"}' 1; is 'scimd_directory_token_rejected{directory="corp"}' 0

echo '# with the daemon down: what the image knows'
before=$(value scimd_users_active)
scimd_stop
metrics
is scimd_up 0; is scimd_image_readable 1; is scimd_users_active "$before"; is scimd_health none; is scimd_doors_closed_total none
[ "$(value scimd_confirmed_age_seconds)" != none ]

echo '# a label with everything in it; and the reader refuses what is wrong'
cat >"$NS_TMP/odd.mjs" <<'END'
import { createServer } from 'net'
createServer(s => s.once('data', () => {
  const t = Buffer.from(JSON.stringify({ ok: true, result: { schema: 1, directories: [{ directory: 'a"b\\c\nd', held: 1 }] } }))
  const n = Buffer.alloc(4); n.writeUInt32BE(t.length); s.end(Buffer.concat([n, t]))
})).listen(process.argv[2])
END
node "$NS_TMP/odd.mjs" "$NS_TMP/odd.sock" &
odd=$!
tenacious 10 test -S "$NS_TMP/odd.sock"
scimctl --socket "$NS_TMP/odd.sock" metrics >"$NS_TMP/metrics"
kill "$odd"
check || failed 'odd label'
grep -qxF 'scimd_directory_held{directory="a\"b\\c\nd"} 1' "$NS_TMP/metrics" || failed 'odd label'
refused() { if sed "$1" "$NS_TMP/other" | node "$NS_TMP/check.mjs" 2>/dev/null; then failed "the reader takes $1"; fi; }
refused '$d'; refused 's/^scimd_doors_closed_total/scimd_doors_closed/'; refused '/^# HELP scimd_up/d'; refused 's/="corp"/=corp/'
refused 's/^scimd_up 1$/&\n&/'; refused 's/^# UNIT scimd_image_age_seconds.*/# UNIT scimd_image_age_seconds bytes/'; refused '/^scimd_up /d'
if command -v promtool >/dev/null; then promtool check metrics <"$NS_TMP/other"; promtool check rules packaging/alerts/scimd.rules.yml; fi

echo '# the rules name figures that there are, and each says what to do'
rules=packaging/alerts/scimd.rules.yml
names=$(scimctl metrics --names | cut -f1)
while read -r n; do grep -qx "$n" <<<"$names" || failed "$rules: no figure $n"; done < <(sed -n 's/^ *expr: //p' "$rules" | grep -oE 'scimd_[a-z_]+' | sort -u)
n=$(grep -c 'alert:' "$rules")
for key in expr severity summary description; do [ "$(grep -c "^ *$key: " "$rules")" = "$n" ] || failed "$rules: $key"; done
