#!/usr/bin/env bash
# One sync per switch of the SCIM server in tests/realscim: whatever shape the ids,
# names, members, pages and certificates have, the same people in the same groups are
# what getent, id and scimctl show.
set -euo pipefail
cd "$SRC"
. tests/system/lib.sh
ns_begin "$0"
(umask 077; echo secret >/etc/scimd/credentials.d/corp)
state=/var/lib/scimd
conf() { # conf [LINE…]: lines of the directory's section
  { printf '[directory/corp]\nurl = %s\ntoken = corp\n' "$SCIM_URL"; printf '%s\n' "$@"; printf '[access]\nallow = all\n'; } >/etc/scimd/scimd.conf
}
fail() { echo "${what:-}: $*" >&2; cat "$NS_TMP/log" >&2; exit 1; }
# sync SERVER_OPTIONS -- [LINE…]
sync() {
  local options=()
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  what="${options[*]}"
  echo "# ${what:-plain}"
  rm -rf $state/*
  scim_start tests/realscim "${options[@]}"
  conf "$@"
  scimd --once 2>"$NS_TMP/log"
}
# people N GROUPS: N people of whom every 20th is disabled, user i in group i mod
# GROUPS and, where 3 divides i, in the next one: with getent, id and scimctl.
people() {
  local i want got
  [ "$(getent passwd | grep -c '^user')" = "$1" ] || fail "$(getent passwd | grep -c '^user') people, not $1"
  [ "$(getent group | grep -c '^group')" = "$2" ] || fail "not $2 groups"
  [ "$(scimctl --json list users | grep -o '"name":"user' | wc -l)" = "$1" ] || fail "scimctl lists other people"
  for i in 0 1 3 12 18 19 $(($1 - 2)); do
    want=$(printf 'group%03d\n' $((i % $2)))
    [ $((i % 3)) != 0 ] || want=$(printf '%s\ngroup%03d\n' "$want" $(((i + 1) % $2)) | sort)
    [ $((i % 20)) != 19 ] || want=''
    got=$(id -nG "$(printf 'user%05d' "$i")" | tr ' ' '\n' | grep '^group' | sort || :)
    [ "$got" = "$want" ] || fail "user $i is in $(echo $got), not in $(echo $want)"
  done
  [ "$(getent passwd user00019 | cut -d: -f2,7)" = '!:/usr/sbin/nologin' ] || fail "user 19 is not locked"
  [ "$(scimctl lookup user00018)" = "$(getent passwd user00018)" ] || fail "scimctl and getent differ"
  [ "$(getent group group001 | cut -d: -f4 | tr , '\n' | grep -cx user00001)" = 1 ] || fail "group001 without user 1"
  scim_stop
}

base=(--users 60 --groups 4)
sync "${base[@]}" --
people 60 4
# Slices by itself, and says page one again past the end.
sync "${base[@]}" --paging library --cap 25 --
people 60 4
# Always the same first 20: all of them, where there are no more; with more than that
# nothing is proven, nothing is served.
sync --users 20 --groups 4 --express5 --
people 20 4
echo "# --express5"
rm -rf $state/*
scim_start tests/realscim "${base[@]}" --express5
what=--express5
conf
r=0; scimd --once 2>"$NS_TMP/log" || r=$?
[ "$r" = 1 ] || fail "exit $r"
if getent passwd user00001 >/dev/null; then fail "something is served"; fi
scim_stop
for m in full value none; do
  sync "${base[@]}" --members $m --
  people 60 4
done
sync "${base[@]}" --user-groups off --
people 60 4
sync "${base[@]}" --meta none --
people 60 4
sync "${base[@]}" --ids int --
people 60 4
sync "${base[@]}" --names email --
people 60 4
sync "${base[@]}" --cap 7 --
people 60 4
sync "${base[@]}" --everyone --
[ "$(getent group everyone | cut -d: -f4 | tr , '\n' | grep -c '^user')" = 57 ] || fail "everyone is $(getent group everyone)"
id -nG user00007 | grep -qw everyone
people 60 4
sync "${base[@]}" --nested 2 --
id -nG user00002 | grep -qw nested000 || fail "user 2 is not in nested000"
if id -nG user00002 | grep -qw nested001; then fail "user 2 is in nested001"; fi
people 60 4
for urn in '' urn:ietf:params:scim:schemas:extension:posix:2.0:User urn:ietf:params:scim:schemas:extension:linux:2.0:User; do
  sync "${base[@]}" --posix ${urn:+--posix-urn "$urn"} --
  [ "$(getent passwd user00007 | cut -d: -f3,4,6,7)" = 200007:200007:/home/user00007:/bin/bash ] ||
    [[ $urn = *linux* ]] || fail "$(getent passwd user00007)"
  people 60 4
done

echo "# certificates"
pki=$NS_TMP/pki
mkdir "$pki"
ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$pki/$1.key" -out "$pki/$1.pem" 2>/dev/null; }
cert() { # cert NAME CA
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$pki/$1.key" -out "$pki/$1.csr" 2>/dev/null
  printf 'subjectAltName=IP:127.0.0.1\n' >"$pki/ext"
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/$2.pem" -CAkey "$pki/$2.key" -CAcreateserial -days 2 -extfile "$pki/ext" -out "$pki/$1.pem" 2>/dev/null
}
ca right; ca wrong; cert server right; cert client right; cert stranger wrong
refused() { # refused LINE…
  rm -rf $state/*
  conf "$@"
  r=0; scimd --once 2>"$NS_TMP/log" || r=$?
  [ "$r" = 1 ] || fail "exit $r with $*"
  if getent passwd user00001 >/dev/null; then fail "something is served with $*"; fi
}
tls=(--tls-cert "$pki/server.pem" --tls-key "$pki/server.key")
sync "${base[@]}" "${tls[@]}" -- "ca_file = $pki/right.pem"
refused "ca_file = $pki/wrong.pem"
refused # the system's CAs do not know it
conf "ca_file = $pki/right.pem"
scimd --once
people 60 4
sync "${base[@]}" "${tls[@]}" --client-ca "$pki/right.pem" -- "ca_file = $pki/right.pem" "client_cert = $pki/client.pem" "client_key = $pki/client.key"
refused "ca_file = $pki/right.pem"
refused "ca_file = $pki/right.pem" "client_cert = $pki/stranger.pem" "client_key = $pki/stranger.key"
conf "ca_file = $pki/right.pem" "client_cert = $pki/client.pem" "client_key = $pki/client.key"
scimd --once
people 60 4
