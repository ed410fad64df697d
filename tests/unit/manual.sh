#!/usr/bin/env bash
# The manual pages name every setting with its default, every command, every
# option of scimd; they render without a complaint; the example configuration is good.
set -euo pipefail
cd "$SRC"
ctl=$BUILD/root/usr/bin/scimctl bad=0
miss() { echo "$1" >&2; bad=1; }
while IFS=$'\x01' read -r section name otherwise _; do
  body=$(awk -v s="$section" '
    /^\.SH / { on = ($2 == "[" s "]" || (s == "directory" && $2 == "[directory/NAME]")) } on' packaging/man/scimd.conf.5)
  grep -qx "\.B $name" <<<"$body" || miss "scimd.conf.5: [$section] $name is not described"
  [ -z "$otherwise" ] || grep -A2 -x "\.B $name" <<<"$body" | grep -qF "Default: $otherwise." ||
    miss "scimd.conf.5: [$section] $name: the default $otherwise is not there"
done < <("$ctl" config options | tr '\t' '\001')
grep '^\.B ' packaging/man/scimd.conf.5 | grep -v ' scimctl' | cut -d' ' -f2 | sort -u |
  comm -23 - <("$ctl" config options | cut -f2 | sort -u) >"$BUILD/manual.more"
[ ! -s "$BUILD/manual.more" ] || miss "scimd.conf.5 describes what is no setting: $(cat "$BUILD/manual.more")"
for c in $("$ctl" help | sed -n 's/^  \([a-z]*\).*/\1/p'); do
  grep -qE "^\.BI? $c\b" packaging/man/scimctl.1 || miss "scimctl.1: $c is not described"
done
for o in $("$BUILD/root/usr/sbin/scimd" --help | sed -n 's/^  --\([a-z]*\).*/\1/p'); do
  grep -q "\\\\-\\\\-$o" packaging/man/scimd.8 || miss "scimd.8: --$o is not described"
done
directory=$BUILD/root/usr/sbin/scim-directory
while read -r words; do
  grep -qx "\.B $words" packaging/man/scim-directory.8 || miss "scim-directory.8: $words is not described"
done < <("$directory" --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\).*/\1/p')
while IFS=$'\t' read -r name otherwise; do
  grep -qx "\.B $name" packaging/man/scim-directory.8 || miss "scim-directory.8: $name is not described"
  [ -z "$otherwise" ] || grep -A1 -x "\.B $name" packaging/man/scim-directory.8 | grep -qF "Default: $otherwise." ||
    miss "scim-directory.8: $name: the default $otherwise is not there"
done < <("$directory" options)
while read -r o; do
  grep -qF -- "\\-\\-${o//-/\\-}" packaging/man/scim-directory.8 || miss "scim-directory.8: --$o is not described"
done < <("$directory" --help | grep -oE -- '--[a-z-]+' | cut -c3- | sort -u)
while read -r o; do
  "$directory" --help | grep -qE -- "--$o\b" || [ "$o" = help ] || [ "$o" = version ] || miss "scim-directory.8 describes --$o, which is no option"
done < <(sed 's/\\-/-/g' packaging/man/scim-directory.8 | grep -oE -- '--[a-z-]+' | cut -c3- | sort -u)
while IFS=$'\x01' read -r name values otherwise; do
  text=$(sed 's/\\-/-/g' packaging/man/pam_scim.8 | grep -A8 -x "\.B $name") || { miss "pam_scim.8: $name is not described"; continue; }
  case $name in
    service*) [ "$(sed -n 2p <<<"$text")" = "$values" ] || miss "pam_scim.8: $name: the default $values is not there" ;;
    *) grep -qF "Default: $otherwise." <<<"$text" || miss "pam_scim.8: $name: the default $otherwise is not there"
      [ -z "$values" ] || sed -n 2p <<<"$text" | sed 's/^\.RI //; s/ //g' | grep -qF "=$values." || miss "pam_scim.8: $name: takes $values" ;;
  esac
done < <("$BUILD/tests/unit/test_pam_words" list | tr '\t' '\001')
# What a person is told in brackets is what an administrator looks up.
while read -r ground; do
  sed 's/\\-/-/g' packaging/man/pam_scim.8 | grep -qx "\.B $ground" || miss "pam_scim.8: \"(scimd: $ground)\" is not explained"
  case $ground in rule*) grep -qF "$ground" packaging/man/scimctl.1 || miss "scimctl.1: \"$ground\" is not explained" ;; esac
done < <("$BUILD/tests/unit/test_pam_words" grounds | sort -u)
for p in packaging/man/*; do
  out=$(groff -man -Tutf8 -ww -z "$p" 2>&1) || miss "$p: groff fails"
  [ -z "$out" ] || miss "$p: $out"
done
pages=$(awk '/^dist_man_MANS *=/ { on = 1 } on { print } on && !/\\$/ { exit }' Makefile.am)
for p in packaging/man/*; do
  grep -qE "(^|[[:space:]])$p([[:space:]]|\$)" <<<"$pages" || miss "Makefile.am: dist_man_MANS has no $p"
done
# Every option of scimctl's commands, and of the programs that have no table.
while read -r o; do
  grep -qF -- "\\-\\-${o//-/\\-}" packaging/man/scimctl.1 || miss "scimctl.1: --$o is not described"
done < <("$ctl" help | grep -oE -- '--[a-z-]+' | cut -c3- | sort -u)
while read -r o; do
  "$ctl" help | grep -qE -- "--$o\b" || [ "$o" = quiet ] || miss "scimctl.1 describes --$o, which is no option"
done < <(sed 's/\\-/-/g' packaging/man/scimctl.1 | grep -oE -- '--[a-z-]+' | cut -c3- | sort -u)
for p in scim-lockout scim-hook; do
  said=$("$BUILD/root/usr/libexec/scimd/$p" --help 2>&1 | grep -oE -- '--[a-z-]+' | sort -u)
  [ -n "$said" ] || miss "$p --help names no options"
  page=$(sed 's/\\-/-/g' "packaging/man/$p.8")
  for o in $said; do grep -qE -- "$o\b" <<<"$page" || miss "$p.8: $o is not described"; done
  for o in $(grep -oE -- '(^|[^a-z-])--[a-z-]+' <<<"$page" | grep -oE -- '--[a-z-]+' | sort -u); do
    grep -qx -- "$o" <<<"$said" || [ "$o" = --help ] || [ "$o" = --version ] || miss "$p.8 describes $o, which is no option"
  done
done
# Figures: name, type and meaning as the table has them.
while IFS=$'\t' read -r name type help; do
  text=$(sed 's/\\-/-/g' packaging/man/scimctl.1 | grep -A1 -x "\.B $name" | tail -n 1)
  grep -qiE "^$type\b" <<<"$text" && grep -qF "$help" <<<"$text" || miss "scimctl.1: the figure $name is not described as it is"
done < <("$ctl" metrics --names)
while read -r name; do miss "scimctl.1 describes the figure $name, which there is not"; done < <(
  comm -13 <("$ctl" metrics --names | cut -f1 | sort) <(sed -n 's/^\.B \(scimd_[a-z_]*\)$/\1/p' packaging/man/scimctl.1 | sort))
# Events: each in the manual of the program that tells them.
section() { awk -v s="$2" '/^\.SH / { on = (substr($0, 5) == s) } on' "packaging/man/$1"; }
told=$(section scimd.8 JOURNAL | sed -n 's/^\.B \([a-z-]*\)$/\1/p'; section scim-directory.8 JOURNAL | sed -n 's/^\.B \([a-z-]*\)$/\1/p')
events=$("$BUILD/tests/unit/test_log" list | cut -f1)
while read -r e; do miss "scimd.8, scim-directory.8: the event $e is not described"; done < <(comm -23 <(sort <<<"$events") <(sort <<<"$told"))
while read -r e; do miss "scimd.8, scim-directory.8 describe the event $e, which there is not"; done < <(comm -13 <(sort <<<"$events") <(sort <<<"$told"))
conf=$(mktemp -d)
install -m644 packaging/scim-directory.conf "$conf/scim-directory.conf"
"$directory" --config "$conf/scim-directory.conf" check >/dev/null || miss "packaging/scim-directory.conf is refused"
sed -i 's/^# \([a-z_]* = \)/\1/; /^listen = 127/d' "$conf/scim-directory.conf" # its examples are good too
"$directory" --config "$conf/scim-directory.conf" check >/dev/null || miss "an example in packaging/scim-directory.conf is refused"
# As a sysadmin would: the marks taken away.
sed 's/^# \(\[\|[a-z_.-]* = \)/\1/' packaging/scimd.conf >"$conf/scimd.conf"
"$ctl" config check "$conf/scimd.conf" >/dev/null || miss "packaging/scimd.conf is refused"
rm -r "$conf"
[ "$bad" = 0 ]
