#!/usr/bin/env bash
# Completions of bash, zsh and fish as they are installed: every command of the programs'
# own tables at its place, their options, and nothing else; asked of the real shells.
set -euo pipefail
: "${BUILD:?}" "${SRC:?}"
share=$BUILD/root/usr/share
bad=0
# The words at the end of a line, in any order, once each.
in_bash() {
  # shellcheck disable=SC2016
  bash -c 'source "$1"; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); f=_${2//-/_}; $f; printf "%s\n" "${COMPREPLY[@]}"' \
    - "$share/bash-completion/completions/$1" "$@"
}
in_zsh() {
  # shellcheck disable=SC2016
  zsh -f -c 'compadd() { while [[ $1 == -* ]]; do [[ $1 == -- ]] && { shift; break }; shift; done; print -l -- $@ }
    _files() { : }; words=("${@:2}"); CURRENT=$(($# - 1)); source "$1"' - "$share/zsh/vendor-completions/_$1" "$@"
}
in_fish() {
  local line=$1
  [ $# = 1 ] || line="$*"
  fish --no-config -c 'source $argv[1]; complete -C "$argv[2]"' "$share/fish/vendor_completions.d/$1.fish" "$line" | cut -f1
}
# gives WORDS… = WANTED…: in each shell; the last word is the one that is typed
gives() {
  local typed=() wanted got shell
  while [ "$1" != = ]; do typed+=("$1"); shift; done
  shift
  wanted=$(printf '%s\n' "$@" | LC_ALL=C sort)
  for shell in bash zsh fish; do
    got=$("in_$shell" "${typed[@]}" | grep -e "^${typed[-1]}" | LC_ALL=C sort -u)
    [ "$got" = "$wanted" ] || { echo "$shell: ${typed[*]}: $(echo $got), wanted $(echo $wanted)" >&2; bad=1; }
  done
}
commands=$("$BUILD/root/usr/bin/scimctl" help | sed -n 's/^  \([a-z]\{1,\}\).*/\1/p')
# shellcheck disable=SC2086
gives scimctl '' = $commands
gives scimctl --so = --socket
gives scimctl aud = audit
gives scimctl list '' = users groups
gives scimctl access '' = report
gives scimctl sync --acc = --accept-removals --accept-directory
gives scimctl --json sync --dry = --dry-run
gives scim-directory gr = group
gives scim-directory group '' = add show list delete member
gives scim-directory group member '' = add remove
gives scim-directory user add ann --gi = --gid --given
exit $bad
