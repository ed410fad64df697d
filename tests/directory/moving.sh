#!/usr/bin/env bash
# docs/moving-a-fleet.md, tried: the commands of its first step make a file that is
# imported, and an identity provider that pushes the same people afterwards finds
# them, with their numbers.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
die() { echo "moving.sh: $*" >&2; exit 1; }
mkdir "$box/bin"
printf '#!/bin/sh\ncat "%s/$1"\n' "$box" >"$box/bin/getent"
chmod +x "$box/bin/getent"
cat >"$box/passwd" <<'END'
root:x:0:0:root:/root:/bin/bash
ann:x:1001:1001:Ann "the boss" O'Lee, Room\5:/home/ann:/bin/bash
bob:x:1002:2000::/srv/bob:/bin/sh
eve:x:1003:1003:Eve:/home/eve:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
END
cat >"$box/group" <<'END'
root:x:0:
sudo:x:27:ann
ann:x:1001:
eve:x:1003:
staff2:x:2000:ann,root,gone
Dev Team:x:2001:ann,bob
nogroup:x:65534:
END
awk '/<!-- tests\/directory\/moving.sh runs this -->/ { on = 1; next } on && /^    / { print substr($0, 5); got = 1; next } on && got && /^[^ ]/ { exit } on && got && /^$/ { exit }' \
  "$SRC/docs/moving-a-fleet.md" >"$box/step1"
[ "$(wc -l <"$box/step1")" -gt 10 ] || die "the guide's commands are not found"
(cd "$box" && PATH=$box/bin:$PATH bash -eu step1)
printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/state\n' "$box" >"$box/conf"
d() { "$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" "$@"; }
d import "$box/fleet.json" | grep -q '3 users, 2 groups' || die "$(cat "$box/fleet.json")"
numbers() { d --no-legend user list | awk '{ print $1, $3 }' | sort; }
want=$'1001 ann@example.com\n1002 bob@example.com\n1003 eve@example.com'
[ "$(numbers)" = "$want" ] || die "imported: $(numbers)"
ann=$(d --json user show ann@example.com)
for w in '"gidNumber":1001' '"loginShell":"/bin/bash"' '"homeDirectory":"/home/ann"' 'Ann ..the boss.. O.Lee, Room..5' '"display":"Dev Team"' '"display":"staff2"'; do
  grep -q "$w" <<<"$ann" || die "$w is not in $ann"
done
d --json user show bob@example.com | grep -q '"gidNumber":2000'

# The provider: finds by userName, then writes without knowing of numbers.
token=$(d token create --name idp --scope write)
"$BUILD/root/usr/sbin/scim-directory" --config "$box/conf" serve 2>"$box/log" &
server=$!
until grep -q 'on port' "$box/log"; do kill -0 "$server" || die "$(cat "$box/log")"; read -rt 0.02 <> <(:) || :; done
api=http://127.0.0.1:$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")/scim/v2
ask() { curl -sf --noproxy '*' -m 20 -H "Authorization: Bearer $token" -H 'Content-Type: application/scim+json' "$@"; }
id=$(ask "$api/Users?filter=userName%20eq%20%22Ann@example.com%22" | grep -o '"id":"[^"]*"' | head -n 1 | cut -d'"' -f4)
[ -n "$id" ] || die "the provider does not find ann"
ask -o /dev/null -X PUT "$api/Users/$id" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann@example.com","externalId":"00u1","active":true,"name":{"givenName":"Ann"}}'
id=$(ask "$api/Users?filter=userName%20eq%20%22bob@example.com%22" | grep -o '"id":"[^"]*"' | head -n 1 | cut -d'"' -f4)
ask -o /dev/null -X PATCH "$api/Users/$id" -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"externalId","value":"o-2"}]}'
[ "$(numbers)" = "$want" ] || die "after the provider's first push: $(numbers)"
d --json user show ann@example.com | grep -q '"externalId":"00u1"'
d --json user show bob@example.com | grep -q '"loginShell":"/bin/sh"' || die "a patch took bob's shell"
d audit --user ann@example.com | grep -q 'user-replaced'
ask -o /dev/null "$api/Users" -d '{"userName":"new@example.com"}'
[ "$(numbers | sort -n | tail -n 1 | cut -d' ' -f1)" -ge 1879048192 ] || die "a new person got $(numbers | tail -n 1)"
