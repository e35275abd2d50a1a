#!/usr/bin/env bash
# Runs the Autobahn WebSocket test suite against an echo server or an echo client of ours.
#
#   ECHO_URL=ws://127.0.0.1:9001/ tests/conformance/autobahn.sh server [fast|full|CASES]
#   CLIENT_CMD='path/to/client'   tests/conformance/autobahn.sh client [fast|full|CASES]
#
# Without arguments: server fast. `full` is all 517 cases and takes ten minutes with compression; CASES
# are patterns between commas, as '6.*,12.1.3'.
#
# The last line is
#   autobahn: ok A nonstrict B informational C declined D failed W of N
# and the exit status is 0 only if W is 0; it is 2 if the suite could not be installed or
# started. A case that never ended has failed. `declined` are offers of compression that were not
# taken.
#
# The server echoes each message, whole and of the same type, up to 16 MiB. The client connects to
# $AUTOBAHN_URL/getCaseCount (one text message: the number of cases), then for each number to
# /runCase?case=NUMBER&agent=$AUTOBAHN_AGENT, where it echoes until the connection ends, and at last
# to /updateReports?agent=$AUTOBAHN_AGENT.
#
# Environment:
#   AUTOBAHN_DEFLATE=required  a declined offer of compression is a failure
#   AUTOBAHN_TIMEOUT=1800      seconds for all cases together
#   AUTOBAHN_LANES=4           connections to a server side by side
#   AUTOBAHN_REPORTS           folder for reports on failures (default: tests/artifacts/autobahn)
#   VECHE_TEST_CACHE           folder where the suite stays installed (default: tests/.cache)
#   PYTHON27                   a Python 2.7; the suite runs on no other (default: searched for)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tests=$(dirname "$here")
cache=${VECHE_TEST_CACHE:-$tests/.cache}/autobahn
reports=${AUTOBAHN_REPORTS:-$tests/artifacts/autobahn}
requirements=$here/autobahn/requirements.txt

main() {
  local role=${1:-server} selection=${2:-fast} target
  case $role in
    server) target=${ECHO_URL:-} ;;
    client) target=${CLIENT_CMD:-} ;;
    *) fail "the first argument is server or client, not $role" ;;
  esac
  [ -n "$target" ] || fail "$([ "$role" = server ] && echo ECHO_URL || echo CLIENT_CMD) is not set"
  install
  rm -rf "$reports"
  mkdir -p "$reports"
  exec "$cache/suite/bin/python" -W ignore "$here/autobahn/run.py" "$role" "$target" "$selection" "$reports"
}

# Puts the suite into the cache, unless the very same versions are there and can be loaded.
install() {
  local stamp=$cache/installed
  if cmp -s "$requirements" "$stamp" && "$cache/suite/bin/python" -c 'import autobahntestsuite' 2>/dev/null; then
    return
  fi
  local python27
  python27=$(find_python27) || fail "no Python 2.7 was found, and the suite runs on no other:" \
    "set PYTHON27, or install one, as by: pyenv install 2.7.18"
  rm -rf "$cache"
  mkdir -p "$cache"
  echo "autobahn: installing the suite into $cache"
  install_with "$python27" >"$cache/install.log" 2>&1 || {
    tail -n 15 "$cache/install.log" >&2
    fail "the suite could not be installed; all of the output is in $cache/install.log"
  }
  cp "$requirements" "$stamp"
}

# Python 2.7 often comes without pip; a virtualenv of the last version that could make one brings it.
install_with() {
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONWARNINGS=ignore
  local pip=$cache/suite/bin/pip
  python3 -m venv "$cache/tools" &&
    "$cache/tools/bin/pip" install -q 'virtualenv==20.21.1' &&
    "$cache/tools/bin/virtualenv" -q -p "$1" "$cache/suite" &&
    "$pip" install -q 'setuptools==44.0.0' 'wheel==0.36.2' &&
    # Twisted's build imports it.
    "$pip" install -q "$(grep '^incremental==' "$requirements")" &&
    "$pip" install -q --no-build-isolation --no-deps -r "$requirements" &&
    "$cache/suite/bin/python" -c 'import autobahntestsuite.fuzzing'
}

find_python27() {
  local candidate
  for candidate in "${PYTHON27:-}" python2.7 python2 pypy \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do
    if [ -n "$candidate" ] && "$candidate" -c "$is_usable" 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}
is_usable='import sys, ssl, zlib, ctypes; sys.exit(sys.version_info[:2] != (2, 7))'

fail() {
  echo "autobahn: $*"
  exit 2
}

main "$@"
