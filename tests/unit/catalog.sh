#!/usr/bin/env bash
# Every event of the log has its entry in the journal's catalog, every entry its event;
# systemd's own compiler takes the file, and an entry says what to do.
set -euo pipefail
cd "$SRC"
catalog=packaging/catalog/scimd.catalog bad=0
miss() { echo "$1" >&2; bad=1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
events=$("$BUILD/tests/unit/test_log" list)
[ "$(wc -l <<<"$events")" -ge 25 ] || miss "test_log lists too few events"
while IFS=$'\t' read -r name id _; do
  [ "$(grep -c "^-- $id\$" "$catalog")" = 1 ] || { miss "$catalog has not one entry for $name ($id)"; continue; }
  entry=$(awk -v id="$id" '/^-- / { on = ($2 == id) } on' "$catalog")
  for field in Subject Defined-By Documentation; do
    grep -q "^$field: ." <<<"$entry" || miss "$catalog: $name has no $field"
  done
  # What it means, then what to do.
  [ "$(awk 'NF == 0 { if (text) parts++; text = 0; next } !/^(-- |[A-Z][A-Za-z-]*: )/ { text = 1 } END { print parts + text }' <<<"$entry")" -ge 2 ] ||
    miss "$catalog: $name does not say what to do"
  page=$(sed -n 's/^Documentation: man:\([a-z._-]*\)(\([0-9]\))$/\1.\2/p' <<<"$entry")
  [ -f "packaging/man/$page" ] || miss "$catalog: $name: no manual $page"
done <<<"$events"
while read -r id; do
  cut -f2 <<<"$events" | grep -qx "$id" || miss "$catalog: $id is no event's"
done < <(sed -n 's/^-- //p' "$catalog")
stray=$(grep -oE '@[A-Z_]+@' "$catalog" | sort -u | grep -vxE '@SCIM_(DIRECTORY|USER|ID|UID|CODE)@' || :)
[ -z "$stray" ] || miss "$catalog names fields that no event has: $stray"
mkdir -p "$work/usr/lib/systemd/catalog" "$work/var/lib/systemd/catalog"
cp "$BUILD/root/usr/lib/systemd/catalog/scimd.catalog" "$work/usr/lib/systemd/catalog/"
journalctl --root="$work" --update-catalog || miss "journalctl --update-catalog refuses it"
[ "$(journalctl --root="$work" --list-catalog | wc -l)" = "$(wc -l <<<"$events")" ] || miss "journalctl reads another number of entries"
[ "$bad" = 0 ]
