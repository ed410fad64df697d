#!/usr/bin/env bash
# The tree keeps the house's rules: a file includes only downwards, libcurl, LMDB,
# libini_config and libsmartcols are included where they belong and nowhere else,
# nothing calls a shell or an unbounded copy, the sources are in the house format,
# what the tests need is in the tarball, and what README names is there.
set -euo pipefail
cd "$SRC"
bad=0
miss() { echo "$1" >&2; bad=1; }
mapfile -t found < <(find nss pam scimd include -name '*.[ch]')
sources=${found[*]}
all="$sources $(find tests -name '*.[ch]' -not -path '*/node_modules/*')"

echo "# floors"
# shellcheck disable=SC2086
up=$(grep -nE '^#include "' $sources | awk -F: '
  function floor(path) {
    if (path ~ /^scimd\/base\//) return 0
    if (path ~ /^scimd\/(image|scim)\//) return 1
    if (path ~ /^scimd\/store\//) return 2
    if (path ~ /^scimd\/identity\//) return 3
    if (path ~ /^scimd\/client\//) return 4
    if (path ~ /^scimd\/(agent|directory)\//) return 5
    if (path ~ /^(nss|pam)\//) return 6
    if (path ~ /^scimd\/(ctl|hook|lockout)\//) return 7
    return -1
  }
  function part(path) { return path ~ /^scimd\// ? substr(path, 1, index(substr(path, 7), "/") + 6) : substr(path, 1, index(path, "/")) }
  { to = $3; sub(/^#include "/, "", to); sub(/".*/, "", to)
    if (part($1) == part(to)) next
    if (floor(to) < 0 || floor(to) >= floor($1)) print $1 ":" $2 ": includes " to " upwards" }')
[ -z "$up" ] || miss "$up"
# What goes into foreign processes: the module and the image's reader need libc and the contract only.
foreign=$(grep -nE '^#include ["<]' nss/*.[ch] | grep -vE '"(nss/|scimd/image/(read|record)\.h)|<(scimd/[a-z]+|[a-z0-9_]+|sys/[a-z]+|linux/[a-z]+)\.h>' || :)
[ -z "$foreign" ] || miss "$foreign"
foreign=$(grep -nE '^#include ["<]' pam/*.[ch] | grep -vE '"(pam/[a-z]+\.h|scimd/image/read\.h)"|<(scimd/[a-z]+|security/pam_[a-z]+|[a-z0-9_]+|sys/[a-z]+)\.h>' || :)
[ -z "$foreign" ] || miss "$foreign"

echo "# a library has its one place"
while read -r header where; do
  # shellcheck disable=SC2086
  stray=$(grep -lE "^#include <$header" $sources | grep -vE "^($where)$" || :)
  [ -z "$stray" ] || miss "<$header…> belongs to $where, not to: $stray"
done <<'END'
curl/ scimd/client/transfer[a-z_]*\.[ch]
lmdb\.h scimd/store/(store|record|audit|internal)\.[ch]
ini_ scimd/base/config_file\.c
security/ pam/pam_scim\.c|scimd/ctl/doctor_door\.c
libsmartcols scimd/base/columns\.c
locale\.h scimd/base/columns\.c
microhttpd scimd/directory/http[a-z_]*\.[ch]
END

echo "# nothing that has no bounds"
# shellcheck disable=SC2086
calls=$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|system|popen|alloca|strtok|setjmp)\(' $sources || :)
[ -z "$calls" ] || miss "$calls"
# shellcheck disable=SC2086
for f in $all; do
  [ "$(head -c 36 "$f")" = '// SPDX-License-Identifier: MIT' ] || head -n 1 "$f" | grep -q '^// SPDX-License-Identifier: MIT$' ||
    miss "$f: does not begin with its licence"
done

echo "# one map for each module: it exports its entry points only"
[ "$(tr -d '[:space:]' <pam/scim.map)" = '{global:pam_sm_*;local:*;};' ] || miss "pam/scim.map exports more than pam_sm_*"
[ "$(tr -d '[:space:]' <nss/scim.map)" = '{global:_nss_scim_*;local:*;};' ] || miss "nss/scim.map exports more than _nss_scim_*"

echo "# the tarball has all that the tests need"
makefile=$(cat Makefile.am)
for f in $(find tests packaging docs nss pam scimd include -type f -not -path '*/node_modules/*' \
  -not -name '*.o' -not -name '*.lo' -not -path '*/.*'); do
  [[ "$makefile" == *"$f"* ]] && continue
  case $f in
    tests/golden/*/* | packaging/debian/*) ;; # dist-hook takes them all
    *) miss "Makefile.am does not name $f" ;;
  esac
done

# Automake takes the second one and says nothing.
twice=$(sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\) *=.*/\1/p' Makefile.am | sort | uniq -d)
[ -z "$twice" ] || miss "Makefile.am sets more than once with =: $twice"

echo "# README's recipes are there"
for f in $(grep -oE '`[a-z_]+/[a-z_/]+\.[a-z]+`' README.md | tr -d '`'; grep -oE '\]\([a-zA-Z][^):]+\)' README.md | sed 's/](\(.*\))/\1/'); do
  [ -e "$f" ] || miss "README.md names $f, which does not exist"
done
for page in docs/*.md; do # their links, relative to them
  for f in $(grep -oE '\]\([a-zA-Z.][^):]+\)' "$page" | sed 's/](\(.*\))/\1/'); do
    [ -e "docs/$f" ] || miss "$page names $f, which does not exist"
  done
  grep -qF "($page)" README.md || miss "README.md does not name $page"
done
for f in packaging/quickstart packaging/install-deps tests/run .ci/run; do [ -x "$f" ] || miss "$f cannot be run"; done
while read -r f; do
  [ -e "$f" ] || ls "$f".* >/dev/null 2>&1 || miss "tests/REQUIREMENTS.md names $f, which does not exist"
done < <(grep -oE '`(unit|system|interop|golden|nightly)/[a-zA-Z0-9_.-]+`' tests/REQUIREMENTS.md | tr -d '`' | sort -u | sed 's#^#tests/#')

echo "# format"
if command -v clang-format >/dev/null; then
  # shellcheck disable=SC2086
  clang-format --dry-run -Werror $all || miss "clang-format -i would change something"
else
  echo "clang-format is not installed: the format was not looked at"
fi
[ "$bad" = 0 ]
