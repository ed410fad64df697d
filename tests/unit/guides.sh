#!/usr/bin/env bash
# Every command of ours in README and the guides exists, with the options it is given
# there; every page that is linked, and every file of the project that is named, is there, and
# what is said to lie on a host is installed; the playbook is YAML.
set -euo pipefail
cd "$SRC"
bad=0
miss() { echo "$1" >&2; bad=1; }
for program in "$BUILD/root/usr/bin/scimctl" "$BUILD/root/usr/sbin/scim-directory"; do
  name=$(basename "$program")
  rows=$(packaging/completions/generate "$program" bash | sed -n "/<<'ROWS'/,/^ROWS/p" | sed '1d;$d')
  globals=" $("$program" help | sed -n '1p' | grep -oE -- '--[a-z-]+' | tr '\n' ' ')--help --version "
  while IFS=: read -r file line; do
    rest=${line#"$name"}
    best='' opts='' found=
    # Options of the program may stand before the command; a page may name the first word alone.
    while IFS='|' read -r words more _; do
      if [[ "$rest " == *" $words "* && ${#words} -gt ${#best} ]]; then best=$words opts=" $more " found=1; fi
      [[ " $words " != "$rest "* ]] || found=1
    done <<<"$rows"
    [ -n "$found" ] || { miss "$file: there is no command \"$line\""; continue; }
    for o in $(grep -oE -- '--[a-z-]+' <<<"$rest" || :); do
      [[ "$opts$globals" == *" $o "* ]] || miss "$file: $name $best has no option $o"
    done
  done < <(grep -oE "(\`|^    (.*[ (])?)$name [a-z-][^\`|;#)(]*" README.md docs/*.md |
    sed -E "s/:.*$name /:$name /; s/[.,:]*( |\$)/\1/g; s/ +\$//")
done
while IFS=: read -r file link; do
  [ -e "$(dirname "$file")/$link" ] || miss "$file: there is no $link"
done < <(grep -oE '\]\([a-zA-Z0-9/._-]+\)' README.md docs/*.md | sed -E 's/:\]\(/:/; s/\)$//')
# What is said to lie on a host is put there by make install, wherever packages come from.
while IFS=: read -r file path; do
  [ -e "$BUILD/root$path" ] || miss "$file: $path is not installed"
done < <(for f in README.md docs/*.md packaging/man/*; do
  sed 's/\\-/-/g' "$f" | { grep -oE '/usr/(share|lib|libexec|s?bin)/[a-zA-Z0-9_./-]*scim[a-zA-Z0-9_./-]*' || :; } | sed "s#^#$f:#; s/[.,]\$//"
done)
for f in docs/*.md; do
  grep -q "($f)" README.md || miss "README.md does not name $f"
done
exit $bad
