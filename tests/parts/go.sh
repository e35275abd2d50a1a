#!/usr/bin/env bash
# centrifuge-go, JSON and Protobuf; where there is no Go nothing is run
[ -x "${VECHE_BIN:-$TARGET/debug/veche}" ] || { echo "there is no $TARGET/debug/veche; run the part \"build\" first"; exit 1; }
# shellcheck source=lib/go.sh
. "$ROOT/tests/parts/lib/go.sh"
cd "$ROOT/tests/e2e/go" || exit 1
go_is_enough || exit "$NOT_RUN"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not formatted by gofmt: $unformatted"; exit 1; }
exec go test -count=1 -v -timeout 5m ./...
