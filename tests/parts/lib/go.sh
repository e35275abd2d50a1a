# shellcheck shell=bash
# Go of this machine, with what it fetches and builds kept in tests/.cache.

PATH=$PATH:/usr/local/go/bin
export GOTOOLCHAIN=local GOFLAGS=-modcacherw GOMODCACHE=$CACHE/go/modules GOCACHE=$CACHE/go/build

# Whether there is a Go that tests/e2e/go/go.mod accepts; if not, says so in one line.
go_is_enough() {
  command -v go >/dev/null || { echo "not run: there is no Go on this machine"; return 1; }
  (cd "$ROOT/tests/e2e/go" && go list -m >/dev/null 2>&1) || { echo "not run: $(go env GOVERSION) is older than tests/e2e/go/go.mod asks for"; return 1; }
}
