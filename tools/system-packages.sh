#!/usr/bin/env bash
# What the browser tests need from the system: Chromium and fonts with Chinese. Installs them on Debian and Ubuntu as root,
# otherwise says what to install. A no-op when they are there.
set -eu
browser=${CHROMIUM:-/usr/bin/chromium}
if [ -x "$browser" ] && fc-list :lang=zh 2>/dev/null | grep -q .; then exit 0; fi
packages="chromium fonts-noto-cjk fontconfig"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >/dev/null
  # shellcheck disable=SC2086
  apt-get install -y -q --no-install-recommends $packages >/dev/null
  exit 0
fi
echo "The browser tests need Chromium and a Chinese font. On Debian: sudo apt-get install $packages" >&2
echo "Elsewhere set CHROMIUM to the browser's path." >&2
exit 1
