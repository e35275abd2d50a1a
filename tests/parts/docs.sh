#!/usr/bin/env bash
# the examples in docs/, run as they stand there
[ -x "${VECHE_BIN:-$TARGET/debug/veche}" ] || { echo "there is no $TARGET/debug/veche; run the part \"build\" first"; exit 1; }
cd "$ROOT/tests/docs" || exit 1
exec node --test --test-reporter=spec --test-timeout=600000 ./*.test.mjs
