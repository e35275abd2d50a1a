#!/usr/bin/env bash
# Runs tests/e2e/NAME.test.mjs for each NAME given, against the development build.
[ -x "${VECHE_BIN:-$TARGET/debug/veche}" ] || { echo "there is no $TARGET/debug/veche; run the part \"build\" first"; exit 1; }
cd "$ROOT/tests/e2e" || exit 1
exec node --test --test-reporter=spec --test-timeout=600000 "${@/%/.test.mjs}"
