#!/usr/bin/env bash
# Conditional lists: where nothing changed, a look costs two answers without a body and
# writes nothing but `confirmed`; a change is seen with the next look; a directory
# that says "unchanged" whatever happens is found out by the next complete list.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
ip link set lo up
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/directory\n' "$NS_TMP" >"$NS_TMP/directory.conf"
directory() { scim-directory --config "$NS_TMP/directory.conf" "$@"; }
(umask 077; directory token create --name host --scope read >/etc/scimd/credentials.d/corp)
scim-directory --config "$NS_TMP/directory.conf" serve 2>"$NS_TMP/directory.log" &
SCIM_PID=$!
tenacious 20 grep -q 'on port' "$NS_TMP/directory.log"
node tests/system/unchanged.mjs "$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$NS_TMP/directory.log")" >"$NS_TMP/proxy.log" &
proxy=$!
tenacious 20 grep -q '^READY' "$NS_TMP/proxy.log"
SCIM_URL=$(sed -n 's/^READY //p' "$NS_TMP/proxy.log")
SCIM_ROOT=${SCIM_URL%/scim/v2}
for who in ann ben cem; do directory user add "$who@example.com"; done
directory group add crew
directory group member add crew ann@example.com

conf() { # FULL_INTERVAL LINE
  printf '[scimd]\ninterval = 1s\nfull_interval = %s\n[directory/corp]\nurl = %s\ntoken = corp\npage_size = 2\n%s\n[access]\nallow = all\n' \
    "$1" "$SCIM_URL" "$2" >/etc/scimd/scimd.conf
}
failed() { echo "$1" >&2; admin /__seen >&2; cat "$NS_TMP/scimd.log" >&2; scimctl status >&2 || :; exit 1; }
seen() { admin /__seen | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
past() { [ "$(seen "$1")" -ge "$2" ]; }
more() { # WHAT HOW-MANY
  tenacious 15 past "$1" $(($(seen "$1") + $2)) || failed "no $2 more of: $1"
}
has() { getent passwd "$1"; }
in_crew() { id -nG "$1" | grep -qw crew; }
locked() { [ "$(getent passwd "$1" | cut -d: -f2)" = '!' ]; }
image() { scimctl --json status | grep -o "\"$1\":[^,}]*" | head -n 1; }
store() { cksum </var/lib/scimd/private/data.mdb; }
confirmed_since() { [ "$(image confirmed)" != "$1" ]; }

echo '# nothing changed: no body, no commit, no image; confirmed all the same'
conf 1h 'events = off'
scimd_start
more unchanged 2
bodies=$(seen bodies) file=$(stat -c %i /var/lib/scimd/accounts.image) commit=$(store) then=$(image confirmed)
more unchanged 2
tenacious 5 confirmed_since "$then" || failed 'not confirmed'
[ "$(seen bodies)" = "$bodies" ] || failed 'a list was sent'
[ "$(stat -c %i /var/lib/scimd/accounts.image)" = "$file" ] || failed 'an image was published'
[ "$(store)" = "$commit" ] || failed 'something was committed'
scimctl status | grep -q '^green' || failed 'not green'

echo '# a change is seen with the next look, whatever it is, and then there is nothing again'
directory user add dan@example.com
tenacious 10 has dan || failed 'dan did not come'
more unchanged 2
directory group member add crew cem@example.com
tenacious 10 in_crew cem || failed 'the membership did not come'
directory user disable ben@example.com
directory user delete dan@example.com
tenacious 10 locked ben || failed 'ben was not disabled'
tenacious 10 locked dan || failed 'dan did not leave'

echo '# a local account that nobody told of (the file is still open): no look passes over it'
more unchanged 1
exec 9>>/etc/passwd
echo 'ann:x:4242:4242::/:/bin/sh' >&9
ann_gone() { ! scimctl -q lookup ann; }
tenacious 10 ann_gone || failed 'the local account was passed over'
exec 9>&-
sed -i '/^ann:x:4242:/d' /etc/passwd
ann_back() { scimctl -q lookup ann; }
tenacious 10 ann_back || failed 'ann did not come back'
scimd_stop

echo '# a row of the quirk table that has no ETags: nothing is asked with one'
asked=$(seen asked)
conf 1h 'quirks = keycloak
events = off'
scimd_start
more bodies 3
[ "$(seen asked)" = "$asked" ] || failed 'If-None-Match was sent'
scimd_stop

echo '# what events tell of is not read twice'
conf 1h ''
scimd_start
connected() { [[ $(scimctl --json status) == *'"events":"connected'* ]]; }
tenacious 5 connected || failed 'it does not listen'
more unchanged 2
whole=$(seen whole)
directory user add eve@example.com
tenacious 5 has eve || failed 'eve did not come'
more bodies 3
[ "$(seen whole)" = "$whole" ] || failed 'the whole list was read'
scimd_stop

echo '# a directory that lies is believed until the next complete list, and no longer'
conf 1h 'events = off'
scimd_start
more unchanged 2
admin /__lie '{}' >/dev/null
directory user add fay@example.com
more unchanged 2
if has fay >/dev/null; then failed 'there was no lie'; fi
scimctl sync --wait >/dev/null
has fay >/dev/null || failed 'a sync that was asked for believed the lie'
scimd_stop
conf 3s 'events = off'
scimd_start
directory user add gus@example.com
tenacious 20 has gus || failed 'the lie was believed for ever'
scimd_stop
kill "$proxy"
