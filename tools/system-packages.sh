#!/usr/bin/env bash
# What the tests need from the system: Chromium and a font with Chinese for those in the browser, Postfix and Dovecot for those
# of e-mail. Installs what is missing on Debian and Ubuntu as root, otherwise says what to install. A no-op when all is there.
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin
packages="chromium fonts-noto-cjk fontconfig postfix dovecot-imapd dovecot-lmtpd openssl"

is_there() {
  case $1 in
    chromium) [ -x "${CHROMIUM:-/usr/bin/chromium}" ] ;;
    fonts-noto-cjk) fc-list :lang=zh 2>/dev/null | grep -q . ;;
    fontconfig) command -v fc-list >/dev/null ;;
    dovecot-imapd) [ -x /usr/lib/dovecot/imap ] || [ -x /usr/libexec/dovecot/imap ] ;;
    dovecot-lmtpd) [ -x /usr/lib/dovecot/lmtp ] || [ -x /usr/libexec/dovecot/lmtp ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=""
for package in $packages; do is_there "$package" || missing="$missing $package"; done
if [ -z "$missing" ]; then exit 0; fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive # or Postfix asks what kind of server it is to be
  apt-get update -q >/dev/null
  # shellcheck disable=SC2086
  apt-get install -y -q --no-install-recommends $missing </dev/null >/dev/null
  exit 0
fi
echo "The tests need packages that are not there. On Debian and Ubuntu: sudo apt-get install$missing" >&2
echo "Elsewhere: Chromium (or CHROMIUM set to a browser's path), a font with Chinese, OpenSSL, Postfix 3.4 or newer, and" >&2
echo "Dovecot 2.3 with IMAP and LMTP. Run as root, or the tests of e-mail are skipped: a mail server changes users." >&2
exit 1
