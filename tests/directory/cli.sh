#!/usr/bin/env bash
# scim-directory's command line: every command and its exit codes, eight processes
# at once, import and export of the same, a backup under writes, a restore that
# gives no number twice.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
box=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$box"' EXIT
bin=$BUILD/root/usr/sbin/scim-directory
conf() { mkdir -p "$box/$1.d"; printf '[server]\nlisten = 127.0.0.1:0\nstate_dir = %s/%s\n' "$box" "$1" >"$box/$1.d/conf"; }
at() { local where=$1; shift; "$bin" --config "$box/$where.d/conf" "$@"; }
d() { at a "$@"; }
die() { echo "cli.sh: $*" >&2; exit 1; }
# fails CODE WORDS COMMAND…
fails() {
  local code=$1 words=$2 r=0
  shift 2
  "$@" >"$box/out" 2>"$box/err" || r=$?
  [ "$r" = "$code" ] || die "exit $r instead of $code: $* : $(cat "$box/err")"
  grep -qE -- "$words" "$box/err" || die "\"$words\" is not said by $*: $(cat "$box/err")"
}
serve() {
  : >"$box/log"
  "$bin" --config "$box/$1.d/conf" serve 2>"$box/log" &
  server=$!
  until grep -q 'on port' "$box/log"; do kill -0 "$server" || die "$(cat "$box/log")"; read -rt 0.02 <> <(:) || :; done
  port=$(sed -n 's/.*on port \([0-9]*\).*/\1/p' "$box/log")
}
stop() { kill "$server"; wait "$server" || die "serve ended with $?"; server=; }
has() { grep -qE -- "$2" <<<"$1" || die "\"$2\" is not in: $1"; }
conf a

echo "# usage"
fails 2 'Usage' d
fails 2 'unknown command "usr list"' d usr list
fails 2 'too few' d user add
fails 2 'too many' d user list x
fails 2 'takes no --scope' d user add x --scope read
fails 2 'takes no --key' d group add x --key /dev/null
fails 2 'are needed' d token create --name x
fails 2 'read or write' d token create --name x --scope all
has "$(d --help)" 'Exit status'
[ "$(d --help | awk 'length > m { m = length } END { print m + 0 }')" -le 82 ] || die "the help has lines that are too long"
[ "$(d --help)" = "$(d help)" ]
has "$(d user add --help)" '^  user add NAME .*--display TEXT'
if d help user | grep -q '^  group'; then die "help user shows groups"; fi
fails 2 '"user" is only the beginning' d user
fails 2 '^  user disable NAME' d user
fails 1 '^scim-directory: .*/none: No such file' "$bin" --config "$box/none" user list
printf '[server]\npage_sise = 1\n' >"$box/bad"
fails 1 'bad:2:.*did you mean "page_size"' "$bin" --config "$box/bad" check
printf '[server]\nlisten = 127.0.0.1:1 # here\n' >"$box/bad"
fails 1 'bad:2:.*line of its own' "$bin" --config "$box/bad" check
d check | grep -q 'no complaints'

echo "# tokens"
secret=$(d token create --name okta --scope write --expires 90d)
[[ $secret =~ ^scimd_[0-9a-f]{64}$ ]] || die "a secret like $secret"
d --json token create --name okta --scope read | grep -q '"secret":"scimd_'
[ "$(d --no-legend token list | wc -l)" = 2 ]
[ "$(d --json token list | grep -c '"name":"okta"')" = 2 ]
d token list | grep -q 'okta *write .* never$'
fails 1 'no name for a token' d token create --name 'a b' --scope read
fails 1 'neither a span' d token create --name x --scope read --expires soon
fails 1 'expired already' d token create --name x --scope read --expires 2001-01-01T00:00:00Z
fails 4 'no token "nobody"' d token revoke nobody
d token revoke "$(d --no-legend token list | awk '$3 == "read" { print $1 }')"
d token revoke okta
[ "$(d --no-legend token list | wc -l)" = 0 ]
[ "$(grep -c . < <(d audit --json | grep "${secret#scimd_}"))" = 0 ] || die "the audit log has a secret"

echo "# users and groups"
printf '# a comment\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB ann@laptop\n' >"$box/key"
d user add ann --display 'Ann Lee' --given Ann --family Lee --email ann@example.com --uid 5001 \
  --shell /bin/sh --home /srv/ann --key "$box/key" --external-id e-1
ann=$(d --json user show ann)
for w in '"displayName":"Ann Lee"' '"givenName":"Ann"' '"familyName":"Lee"' '"value":"ann@example.com"' '"uidNumber":5001' \
  '"gidNumber":5001' '"loginShell":"/bin/sh"' '"homeDirectory":"/srv/ann"' 'AAAAC3Nza.*ann@laptop' '"externalId":"e-1"'; do
  has "$ann" "$w"
done
[ "$(d --json user show "$(sed 's/^{"id":"\([^"]*\)".*/\1/' <<<"$ann")")" = "$ann" ] || die "by id it is another one"
d user show ann | grep -q '^posix.uidNumber *5001$'
d user add bob --inactive
has "$(d --json user show bob)" '"active":false'
fails 1 'userName "ANN" is taken' d user add ANN
fails 1 'uidNumber 5001 was given before' d user add eve --uid 5001
fails 1 'reserved' d user add eve --uid 0
fails 1 'no group' d user add eve --gid 7777
fails 4 "$box/none" d user add eve --key "$box/none"
fails 4 'no user "eve"' d user show eve
fails 4 'no user "eve"' d user disable eve
fails 4 'no user "eve"' d user delete eve
d user disable ann; has "$(d user list)" '5001 +disabled +ann +Ann Lee ann@example.com'
d user enable ann; has "$(d user list)" '5001 +active +ann'
d group add dev --gid 6001 --member ann
d group member add dev bob
has "$(d --json user show bob)" '"display":"dev"'
has "$(d group show dev)" '^members\[[01]\]\.display +bob$'
d group member remove dev ann bob
if d --json group show dev | grep -q '"members"'; then die "dev has members"; fi
fails 4 'no group "ops"' d group member add ops ann
fails 4 'no user "eve"' d group member add dev eve
fails 4 'no user "eve"' d group add ops --member eve
fails 4 'no group "ops"' d group show ops
has "$(d group list)" '^6001 +dev'
d group delete dev
[ "$(d --no-legend group list | wc -l)" = 0 ]
d user delete ann
fails 1 'was given before' d user add ann --uid 5001
fails 1 'was given before' d group add dev --gid 6001

echo "# audit"
has "$(d audit --user bob)" 'user-created +local: [^ ]+ +bob'
has "$(d audit --user bob)" 'group-patched +local: [^ ]+ +dev +members' # he came into it, and left
[ "$(d --no-legend audit --user bob | grep -vc 'bob\|dev')" = 0 ]
[ "$(d --no-legend audit --since 2099-01-01T00:00:00Z | wc -l)" = 0 ]
[ "$(d --no-legend audit --since 1h | wc -l)" = "$(d --json audit | wc -l)" ]
fails 1 'neither a span' d audit --since yesterday
has "$(d audit --verify)" 'the chain is whole'

echo "# eight processes at once, in a store that is not there yet"
conf many
pids=()
for p in 1 2 3 4 5 6 7 8; do
  (for i in 1 2 3 4 5 6; do at many user add "p$p-$i" || exit 1; done) &
  pids+=($!)
done
for p in "${pids[@]}"; do wait "$p" || die "a process of the eight failed"; done
[ "$(at many --no-legend user list | wc -l)" = 48 ] || die "not 48 users"
[ "$(at many --no-legend user list | awk '{ print $1 }' | sort -u | wc -l)" = 48 ] || die "a number was given twice"
at many audit --verify | grep -q '^48 entries'

echo "# whoever comes while the store is being made waits for it"
if command -v strace >/dev/null; then
  conf slow
  mkdir "$box/slow"
  strace -f -o "$box/trace" -e trace=pwrite64 -e inject=pwrite64:delay_enter=700000:when=1 "$bin" --config "$box/slow.d/conf" user add slow &
  slow=$!
  until [ -e "$box/slow/private/data.mdb" ]; do kill -0 "$slow" || die "it made no store"; read -rt 0.01 <> <(:) || :; done
  [ ! -s "$box/slow/private/data.mdb" ] || die "the store was there before anybody could come"
  at slow user add quick
  wait "$slow"
  [ "$(at slow --no-legend user list | wc -l)" = 2 ]
fi

echo "# import and export: the same again"
conf one; conf two
at one sample >/dev/null
fails 1 'not empty' at one sample
at one user add 'odd "name", \ é' --display $'tab\there' --inactive --uid 9001
at one group add nested --gid 9002 --member ken
at one export >"$box/one.json"
node -e 'const r = JSON.parse(require("fs").readFileSync(0)); if (r.totalResults !== 18 || r.Resources.length !== 18) process.exit(1)' <"$box/one.json"
at two import "$box/one.json" | grep -q '13 users, 5 groups'
at two export >"$box/two.json"
plain() { sed 's/,"meta":{[^}]*}//' "$1"; }
diff <(plain "$box/one.json") <(plain "$box/two.json") >"$box/diff" || die "what was exported, imported and exported differs: $(head -c 600 "$box/diff")"
fails 1 'line 15: the id is in use' at two import "$box/one.json"

echo "# import and export: whose primary group is gone keeps its number, and nobody else gets it"
conf left; conf moved
at left group add eng --gid 5000; at left user add bob --gid 5000; at left user add eve --gid 5000; at left group delete eng
fails 1 'gidNumber 5000 is no group' at left user add kim --gid 5000
at left export >"$box/left.json"
at moved import "$box/left.json" | grep -q '2 users, 0 groups'
at moved export | plain - >"$box/moved.json"
plain "$box/left.json" | diff - "$box/moved.json" >"$box/diff" || die "what was exported, imported and exported differs: $(head -c 600 "$box/diff")"
fails 1 'gidNumber 5000 was given before' at moved group add eng --gid 5000
fails 1 'gidNumber 5000 is no group' at moved user add kim --gid 5000
printf '{"userName":"kim","urn:scimd:params:scim:schemas:extension:posix:1.0:User":{"gidNumber":7777}}' >"$box/in.json"
fails 1 'line 1: gidNumber 7777 is no group' at moved import "$box/in.json" # who was not moved here
uid=$(at moved --no-legend user list | awk '$3 == "bob" { print $1 }')
printf '{"id":"00000000-0000-4000-8000-000000000001","userName":"kim","urn:scimd:params:scim:schemas:extension:posix:1.0:User":{"gidNumber":%d}}' "$uid" >"$box/in.json"
fails 1 "line 1: gidNumber $uid is no group" at moved import "$box/in.json" # bob's own
at moved audit --verify | grep -q whole

echo "# import: dialects, lines, all or nothing"
conf three
cat >"$box/in.json" <<'END'
[ {"userName": "u1", "id": "their-1", "displayName": "User One"},
  {"userName": "u2", "displayName": "User Two",
   "urn:scimd:params:scim:schemas:extension:posix:1.0:User": {"uidNumber": "7002", "gidNumber": 7100}},
  {"displayName": "staff", "urn:scimd:params:scim:schemas:extension:posix:1.0:Group": {"gidNumber": 7100},
   "members": [{"value": "their-1"}, {"value": "u2"}, {"display": "User Two"}]} ]
END
at three import "$box/in.json" | grep -q '2 users, 1 groups'
[ "$(at three --json group show staff | grep -o '"type":"User"' | wc -l)" = 2 ]
has "$(at three --json user show u2)" '"uidNumber":7002,"gidNumber":7100'
printf '{"userName":"v1"}\n{"userName":"v2"}\n{"userName":"v1"}\n' >"$box/in.json"
fails 1 'line 3: userName "v1" is taken' at three import "$box/in.json"
fails 4 'no user "v1"' at three user show v1
printf '{"userName":"v1"}\n{"displayName":"g","members":[{"value":"ghost"}]}\n' >"$box/in.json"
fails 1 'line 2: the member "ghost" is nobody' at three import "$box/in.json"
for bad in '{"userName":' '{"userName":"x"' 'userName' '[{"userName":"x"},,]x' '{"Resources":[{"userName":"y1"}' '{"userName":"\xff"}'; do
  printf "$bad" >"$box/in.json"
  fails 1 'line 1' at three import "$box/in.json"
done
printf '%0200000d' 0 | tr 0 '[' >"$box/in.json"; printf '{"a":%0100d' 0 | sed 's/:0/:[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[/' >>"$box/in.json"
fails 1 'line 1' at three import "$box/in.json"
printf 'userName,displayName,uidNumber,sshKey,groups,active\r\nc1,"Lee, ""Ann""",7201,ssh-ed25519 AAAA c1,dev;staff,true\r\n\nc2,,,,dev,false' >"$box/in.csv"
at three import "$box/in.csv" | grep -q '2 users, 2 groups'
has "$(at three --json user show c1)" '"displayName":"Lee, ..Ann..".*"uidNumber":7201.*"ssh-ed25519 AAAA c1".*"display":"staff"'
has "$(at three --json user show c2)" '"active":false'
[ "$(at three --json group show staff | grep -o '"type":"User"' | wc -l)" = 3 ]
csv() { printf "$2" >"$box/in.csv"; fails 1 "$1" at three import "$box/in.csv"; }
csv 'line 1: unknown column "userNam"; did you mean "userName"' 'userNam\nx\n'
csv 'line 3: 1 fields, the header has 2' 'userName,email\nx1,a@b\nx2\n'
csv 'line 2: no userName' 'userName,email\n,a@b\n'
csv 'line 2: a quote is not closed' 'userName\n"x1\n'
csv 'line 2: text after a closing quote' 'userName\n"x1"y\n'
csv 'line 4: .*active' 'userName,email,active\nx1,"a\nb",true\nx2,,perhaps\n'
csv 'line 1' ''
fails 4 'none.json' at three import "$box/none.json"

echo "# more than one transaction, and members over its edge"
conf big
{ for ((i = 0; i < 2500; i++)); do echo "{\"userName\":\"n$i\"}"; done
  printf '{"displayName":"all","members":['
  for ((i = 0; i < 2500; i++)); do printf '{"value":"n%d"},' $i; done
  echo '{"value":"n0"}]}'
  echo '{"displayName":"few","members":[{"value":"n7"}]}'; } >"$box/in.json"
at big import "$box/in.json" | grep -q '2500 users, 2 groups'
[ "$(at big --json group show all | grep -o '"type":"User"' | wc -l)" = 2500 ]
[ "$(at big --json group show few | grep -o '"type":"User"' | wc -l)" = 1 ]

echo "# a backup under writes is of one moment"
(i=0; while [ ! -e "$box/enough" ]; do at many user add "w$i" || exit 1; i=$((i + 1)); done; echo $i >"$box/written") &
writer=$!
for i in 1 2 3 4 5; do at many backup "$box/many.$i"; done
touch "$box/enough"; wait "$writer"
[ "$(cat "$box/written")" -gt 0 ]
for i in 1 2 3 4 5; do
  conf "copy$i"
  at "copy$i" --quiet restore "$box/many.$i"
  n=$(at "copy$i" --no-legend user list | wc -l)
  at "copy$i" audit --verify | grep -q "^$((n + 1)) entries" || die "backup $i: $n users and $(at "copy$i" audit --verify)"
done
[ ! -e "$box/many.1.tmp" ]

echo "# restore: refused while it serves; no number twice; what was revoked stays revoked"
kept=$(at one token create --name kept --scope read); gone=$(at one token create --name gone --scope read)
at one backup "$box/backup"
at one token revoke gone
at one user add later; at one user add last --uid 9500
number=$(at one --no-legend user list | awk '$3 == "later" { print $1 }')
serve one
fails 75 'in use' at one restore "$box/backup"
users() { curl -s -o "$box/body" -w '%{http_code}' --noproxy '*' -H "Authorization: Bearer $1" "http://127.0.0.1:$port/scim/v2/Users?count=0"; }
[ "$(users "$kept")" = 200 ]
etag=$(curl -sf -D - -o /dev/null --noproxy '*' -H "Authorization: Bearer $kept" "http://127.0.0.1:$port/scim/v2/Users?count=0" | grep -i '^etag' || :)
stop
at one restore "$box/backup" 2>"$box/err"
aside=$(sed -n 's/.*store of before is //p' "$box/err")
[ -f "$aside/data.mdb" ] || die "the old store is not at \"$aside\""
fails 4 'no user "later"' at one user show later
at one user add newcomer
[ "$(at one --no-legend user list | awk '$3 == "newcomer" { print $1 }')" -gt "$number" ] || die "a number was given twice"
fails 1 'was given before' at one user add again --uid 9500
[ "$(at one --no-legend token list | awk '{ print $2 }')" = kept ] || die "tokens: $(at one token list)"
at one audit --verify | grep -q whole
at one audit --user "$box/backup" | grep -q restored
serve one
[ "$(users "$kept")" = 200 ]
[ "$(users "$gone")" = 401 ]
again=$(curl -sf -D - -o /dev/null --noproxy '*' -H "Authorization: Bearer $kept" "http://127.0.0.1:$port/scim/v2/Users?count=0" | grep -i '^etag' || :)
[ -z "$etag" ] || [ "$etag" != "$again" ] || die "another content with the same ETag $etag"
stop

echo "# what is no backup changes nothing"
before=$(at one export | sha256sum)
head -c 5000 "$box/backup" >"$box/cut"; head -c 40960 /dev/urandom >"$box/noise"; : >"$box/nil"
for f in cut noise nil; do fails 1 "$box/$f" at one restore "$box/$f"; done
fails 4 'none' at one restore "$box/none"
[ "$(at one export | sha256sum)" = "$before" ] || die "a refused restore changed the store"
[ "$(ls -d "$box"/one/private.before-* | wc -l)" = 1 ] || die "a refused restore left something: $(ls "$box/one")"

echo "# a damaged store: said, left where it is, and replaced with a wide step of numbers"
dd if=/dev/urandom of="$box/one/private/data.mdb" bs=4096 count=2 conv=notrunc status=none
fails 1 'restore a backup' at one user list
fails 1 'restore a backup' at one user list
fails 1 "$box/noise" at one restore "$box/noise"
fails 1 'restore a backup' at one user list
at one restore "$box/backup" 2>"$box/err" || die "$(cat "$box/err")"
grep -q 'is not known' "$box/err"
at one user add after
[ "$(at one --no-legend user list | awk '$3 == "after" { print $1 }')" -gt $((number + 900000)) ] || die "the numbers did not step over what was lost"

echo "# where it is not known what was given since the backup, the numbers step over it, too"
conf origin
at origin user add o1; at origin backup "$box/early.file"
at origin user add o2; at origin backup "$box/late.file"
for i in 3 4 5; do at origin user add "o$i"; done
conf given
at given user add g1 --uid 5001; at given backup "$box/given.file"
first=1879048192
next() { at "$1" user add "next-$2"; at "$1" group add "group-$2"; at "$1" --no-legend user list | awk -v n="next-$2" '$3 == n { print $1 }'; }
# CONF BACKUP LEAST: the next number given after the restore, which must be at least LEAST and at most 9 beyond it
steps() {
  local n
  at "$1" restore "$box/$2.file" 2>"$box/err" || die "$(cat "$box/err")"
  n=$(next "$1" "$((++step))")
  [ "$n" -ge "$3" ] && [ "$n" -le $(($3 + 9)) ] || die "$2 in the place of $1's store: $n comes next, not $3: $(cat "$box/err")"
  if [ "$3" -ge $((first + 1000000)) ] && [ "${4:-}" != quiet ]; then grep -q '1000000 further on' "$box/err" || die "nothing is said: $(cat "$box/err")"; fi
}
step=0
conf empty; steps empty late $((first + 1000002))
steps empty late $((first + 1000004)) quiet # the store that is replaced came out of this very backup
steps empty early $((first + 1000006)) quiet # out of an earlier one, too: all that was given since is known or stepped over
conf young; at young token create --name young --scope read >/dev/null; steps young late $((first + 1000002))
conf other; at other user add x; at other user add y; at other user add z; steps other late $((first + 1000003))
conf older; at older --quiet restore "$box/early.file"; steps older late $((first + 2000001))
conf chosen; steps chosen given $((first + 1000000))
steps origin late $((first + 5)) # everything given since is known
fails 1 'was given before' at origin user add again --uid $((first + 4))
at empty audit --verify | grep -q whole

echo "# whatever letters the language of who asks has, without regard to case means the protocol's"
if command -v localedef >/dev/null && mkdir "$box/locale" && localedef -i tr_TR -f UTF-8 "$box/locale/tr_TR.UTF-8" 2>/dev/null; then
  export LOCPATH=$box/locale
  turkish() { LC_ALL=tr_TR.UTF-8 "$@"; }
  conf tr
  printf 'USERNAME,DISPLAYNAME,ACTIVE\niris,Jörg İris,TRUE\njörg,Iris,FALSE\n' >"$box/in.csv"
  turkish at tr --quiet import "$box/in.csv"
  LC_ALL=C.UTF-8 at tr user list >"$box/out"
  grep -q 'Jörg İris' "$box/out" || die "its letters are not shown: $(cat "$box/out")"
  turkish at tr user list | diff "$box/out" - || die "the list is another one"
  token=$(turkish at tr token create --name tr --scope write)
  turkish serve tr
  found() { curl -s -G --noproxy '*' -H "AUTHORIZATION: BEARER $token" --data-urlencode "filter=$1" "http://127.0.0.1:$port/scim/v2/Users?attributes=USERNAME" | grep -c "\"userName\":\"$2\""; }
  for filter in 'USERNAME eq "IRIS"' 'DISPLAYNAME EQ "JÖRG İRIS"' 'displayName co "G İRIS"' 'ACTIVE EQ TRUE AND META.LASTMODIFIED PR' \
    'META.RESOURCETYPE eq "User" and userName co "RI"' 'userName SW "IRI"' 'NOT (userName NE "IRIS")'; do
    [ "$(found "$filter" iris)" = 1 ] || die "$filter finds $(found "$filter" iris)"
  done
  stop
  unset LOCPATH
fi

echo "# what root makes belongs to whom the state folder belongs"
if [ "$(id -u)" = 0 ]; then
  conf own
  chmod 755 "$box"
  install -d -o 65534 -g 65534 "$box/own"
  at own user add first; at own backup "$box/own.backup"; at own --quiet restore "$box/own.backup"; at own user add second
  other=$(find "$box/own" ! -uid 65534)
  [ -z "$other" ] || die "root's: $other"
  [ "$(stat -c %u:%a "$box/own.backup")" = 0:600 ] || die "the backup is $(stat -c %u:%a "$box/own.backup")"
  [ "$(stat -c %a "$box/own/private")" = 700 ]
fi
