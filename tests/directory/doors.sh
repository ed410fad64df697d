#!/usr/bin/env bash
# Every route of the server's own table with every method, without a token, with one that
# was never given, of another directory, revoked, expired: 401, whatever is in the body and
# however long it is said to be, and the store's file stays as it was, byte for byte. With
# a token that may only read: 403 where something would be written, 405 with Allow where
# there is no such method, and nobody's record, no event and no line of the audit changes.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
die() { echo "doors.sh: $*" >&2; exit 1; }
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/other\n' "$box" >"$box/other.conf"
d() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
d user add ann
d group add dev
d group member add dev ann
id() { d --json "$1" show "$2" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p'; }
user=$(id user ann) group=$(id group dev)
read=$(d token create --name reader --scope read)
revoked=$(d token create --name gone --scope write)
d token revoke gone
expired=$(d token create --name short --scope write --expires 1s)
foreign=$("$BUILD/root/usr/sbin/scim-directory" --config "$box/other.conf" token create --name write --scope write)
"$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || die "$(cat "$box/log")"; read -rt 0.02 <> <(:) || :; done
port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
knows() { [ "$(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $1" "http://127.0.0.1:$port/metrics")" = 200 ]; }
while knows "$expired"; do read -rt 0.05 <> <(:) || :; done
knows "$read" || die "the reader's token is not known"
until d token list | grep -q '^[0-9a-f]* *reader .* 20..-..-..T[^ ]*$'; do read -rt 0.02 <> <(:) || :; done # its use is on disk

"$BUILD/tests/directory/routes" >"$box/routes"
[ "$(wc -l <"$box/routes")" -ge 30 ] || die "$(cat "$box/routes")"
state() {
  d export
  d audit
  d token list
  curl -sf --noproxy '*' -H "Authorization: Bearer $read" "http://127.0.0.1:$port/metrics" | grep events_total
}
state >"$box/before"
sha256sum "$box/state/private/data.mdb" >"$box/file"
knock() { node "$SRC/tests/directory/doors.mjs" "$port" /scim/v2 "$user" "$group" "$box/routes" "$@"; }
knock nobody none "nonsense" "$foreign" "$revoked" "$expired"
sha256sum --quiet -c "$box/file" || die "somebody without a right to has changed the store"
knock reader "$read"
state >"$box/after"
diff "$box/before" "$box/after" || die "a token that may only read has changed something"
kill "$server"
wait "$server"
server=
