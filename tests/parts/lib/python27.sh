# shellcheck shell=bash
# A Python 2.7 for the Autobahn suite, which runs on no other: this machine's own, or that of Debian 11, unpacked into
# the cache and installed nowhere else.

DEBIAN11=$CACHE/python27
DEBIAN11_PACKAGES='python2.7-minimal libpython2.7-minimal libpython2.7-stdlib python2.7-dev libpython2.7-dev libssl1.1 libffi7'

install_python27() {
  own_python27 && return
  [ -f "$DEBIAN11/unpacked" ] && return
  local site options
  site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep '/debian/\?$' | head -n 1)
  [ -n "$site" ] || { echo 'no Python 2.7 here, and no Debian mirror to get one from; set PYTHON27'; return 1; }
  rm -rf "$DEBIAN11"
  mkdir -p "$DEBIAN11/lists/partial" "$DEBIAN11/archives/partial" "$DEBIAN11/packages" "$DEBIAN11/root"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site bullseye main" >"$DEBIAN11/sources.list"
  options=(-q -o "Dir::Etc::sourcelist=$DEBIAN11/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$DEBIAN11/lists"
    -o "Dir::Cache=$DEBIAN11" -o APT::Sandbox::User=root)
  # shellcheck disable=SC2086 # a list of words
  apt-get "${options[@]}" update &&
    (cd "$DEBIAN11/packages" && apt-get "${options[@]}" download $DEBIAN11_PACKAGES) || return
  local package
  for package in "$DEBIAN11"/packages/*.deb; do dpkg -x "$package" "$DEBIAN11/root" || return; done
  rm -rf "$DEBIAN11/packages" "$DEBIAN11/archives" "$DEBIAN11/lists"
  touch "$DEBIAN11/unpacked"
  (use_python27 && is_python27 "$PYTHON27")
}

# Points the suite's script to what was unpacked; its libraries are nowhere the loader looks by itself.
use_python27() {
  [ -f "$DEBIAN11/unpacked" ] || return 0
  local folder
  for folder in "$DEBIAN11"/root/usr/lib/*-linux-gnu*; do
    export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  done
  export PYTHON27=$DEBIAN11/root/usr/bin/python2.7
}

own_python27() {
  local candidate
  for candidate in "${PYTHON27:-}" python2.7 python2 pypy "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do
    [ -n "$candidate" ] && is_python27 "$candidate" && return
  done
  return 1
}

is_python27() { "$1" -c 'import sys, ssl, zlib, ctypes; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; }
