#!/usr/bin/env bash
# Recreates web/static/vendor and tests/browser/vendor from pinned npm packages. Needs npm, tar, sha256sum, python3.
# An upgrade is: change a version below, run with VENDOR_UPDATE=1, look at the pages, commit the new VENDORED.md.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/web/static/vendor
test_out=$root/tests/browser/vendor
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

tabler=1.6.1 htmx=4.0.1 icons=3.51.0 inter=5.3.0 axe=4.14.1

fetch() { # name version -> $scratch/<folder>
  local folder=$scratch/$3 archive
  mkdir -p "$folder"
  archive=$(cd "$scratch" && npm pack --silent "$1@$2")
  tar -xzf "$scratch/$archive" -C "$folder" --strip-components=1
}
fetch @tabler/core "$tabler" tabler
fetch htmx.org "$htmx" htmx
fetch @tabler/icons "$icons" icons
fetch @fontsource-variable/inter "$inter" inter
fetch axe-core "$axe" axe

mkdir -p "$out/licenses" "$test_out"
# A source map we do not ship would be asked for by every open developer console.
strip_map() { sed -E -e 's#/\*\# sourceMappingURL=[^*]*\*/##' -e 's#//\# sourceMappingURL=.*$##' "$1" > "$2"; }
strip_map "$scratch/tabler/dist/css/tabler.min.css" "$out/tabler.min.css"
strip_map "$scratch/htmx/dist/htmx.min.js" "$out/htmx.min.js"
strip_map "$scratch/htmx/dist/ext/hx-sse.min.js" "$out/hx-sse.min.js"
strip_map "$scratch/axe/axe.min.js" "$test_out/axe.min.js"
cp "$scratch/inter/files/inter-latin-wght-normal.woff2" "$out/inter-latin.woff2"
python3 "$root/tools/sprite.py" "$scratch/icons/icons/outline" "$root/tools/icons.txt" "$out/icons.svg"
# The Tabler package carries its licence by reference only; the holders are those named in the head of its CSS.
{
  sed -n 's/^ \* \(Copyright .*\)$/\1/p' "$out/tabler.min.css" | head -2
  sed -n '/^Permission is hereby granted/,$p' "$scratch/icons/LICENSE"
} > "$out/licenses/tabler.txt"
cp "$scratch/htmx/LICENSE" "$out/licenses/htmx.txt"
cp "$scratch/icons/LICENSE" "$out/licenses/tabler-icons.txt"
cp "$scratch/inter/LICENSE" "$out/licenses/inter.txt"
cp "$scratch/axe/LICENSE" "$test_out/axe-LICENSE.txt"

row() { printf '| `%s` | %s | %s | %s | `%s` |\n' "$1" "$2" "$3" "$4" "$(sha256sum "$5" | cut -c1-64)"; }
table() {
  cat <<'HEAD'
# Vendored files

Written by `tools/vendor.sh`; never edited by hand. Source-map comments are removed, nothing else is changed.

| file | package | version | licence | sha256 |
| --- | --- | --- | --- | --- |
HEAD
  row tabler.min.css @tabler/core $tabler MIT "$out/tabler.min.css"
  row htmx.min.js htmx.org $htmx 0BSD "$out/htmx.min.js"
  row hx-sse.min.js htmx.org $htmx 0BSD "$out/hx-sse.min.js"
  row icons.svg "@tabler/icons (names in \`tools/icons.txt\`)" $icons MIT "$out/icons.svg"
  row inter-latin.woff2 @fontsource-variable/inter $inter OFL-1.1 "$out/inter-latin.woff2"
  row tests/browser/vendor/axe.min.js "axe-core (tests only, never served)" $axe MPL-2.0 "$test_out/axe.min.js"
}
table > "$scratch/VENDORED.md"
if [[ -f $out/VENDORED.md && -z ${VENDOR_UPDATE:-} ]] && ! cmp -s "$scratch/VENDORED.md" "$out/VENDORED.md"; then
  echo "vendor.sh: the files differ from web/static/vendor/VENDORED.md:" >&2
  diff "$out/VENDORED.md" "$scratch/VENDORED.md" >&2 || true
  exit 1
fi
cp "$scratch/VENDORED.md" "$out/VENDORED.md"
echo "vendor.sh: done"
