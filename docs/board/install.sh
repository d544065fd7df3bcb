#!/bin/sh
# Sets a Raspberry Pi or a Jetson up: installs cspine-edge beside the system's Python, checks that this board gives the
# answers the workstation saw, and starts a service that watches a folder.
#
#   sudo sh docs/board/install.sh /srv/ct
#
# Run again, it brings the installation up to date. PREFIX, STATE and UNITS may be set to put things elsewhere.
set -eu
umask 022

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

[ $# -eq 1 ] || fail "give the folder to watch: sudo sh docs/board/install.sh /srv/ct"
case $1 in /*) watch=$1 ;; *) fail "$1: give the folder to watch as an absolute path" ;; esac
case $watch in *[!A-Za-z0-9/._-]*) fail "$watch: letters, digits, . _ - and / only, since it goes into a unit file" ;; esac
if [ -d /run/systemd/system ]; then
    case $watch/ in /tmp/* | /var/tmp/*) fail "$watch: the service has a /tmp of its own; watch another folder" ;; esac
fi
source=$(cd "$(dirname "$0")/../.." && pwd)
prefix=${PREFIX:-/opt/cspine-edge}
state=${STATE:-/var/lib/cspine-edge}
units=${UNITS:-/etc/systemd/system}
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' ||
    fail "$("$python" --version 2>&1) does not do, 3.10 to 3.13 do: set PYTHON to one (docs/jetson.md for JetPack 5)"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "Python lacks venv: sudo apt-get install --no-install-recommends python3-venv"
bits=$(getconf LONG_BIT) # of the system; the kernel, which uname tells, may have 64 where the system has 32
case $bits/$(uname -m) in
    32/aarch64 | 32/armv8l) # pip goes by the kernel
        fail "a 32-bit system on a 64-bit kernel, for which there is no interpreter: install the 64-bit system, or set arm_64bit=0 in config.txt" ;;
esac

mkdir -p "$watch" "$state" "$units"
[ -x "$prefix/bin/python" ] || "$python" -m venv "$prefix"
extra=
[ "$bits" = 64 ] || extra='[tflite-runtime]' # no LiteRT there
"$prefix/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade "$source$extra"
"$prefix/bin/cspine-edge" verify

sed -e "s|@PREFIX@|$prefix|g" -e "s|@WATCH@|$watch|g" -e "s|@STATE@|$state|g" \
    "$source/docs/board/cspine-edge-watch.service" >"$units/cspine-edge-watch.service.part"
mv "$units/cspine-edge-watch.service.part" "$units/cspine-edge-watch.service"

if [ ! -d /run/systemd/system ]; then
    say "no systemd runs here; the unit lies in $units"
    exit 0
fi
id cspine-edge >/dev/null 2>&1 || useradd --system --no-create-home --home-dir "$state" --shell /usr/sbin/nologin cspine-edge
chown cspine-edge: "$state"
as_service() { runuser -u cspine-edge -- "$@"; }
as_service test -r "$watch" -a -x "$watch" ||
    fail "$watch: the user cspine-edge may not read it: sudo chmod o+rx it and the folders above, or sudo setfacl -m u:cspine-edge:rx"
as_service "$prefix/bin/cspine-edge" verify >/dev/null ||
    fail "$prefix: the user cspine-edge cannot run it; is a folder above closed to others?"
systemctl daemon-reload
systemctl enable cspine-edge-watch.service
systemctl restart cspine-edge-watch.service
say "watching $watch; verdicts in $state/verdicts.jsonl; log: journalctl -u cspine-edge-watch"
