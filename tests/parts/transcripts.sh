#!/usr/bin/env bash
# recorded exchanges of Centrifugo, replayed
[ -x "${VECHE_BIN:-$TARGET/debug/veche}" ] || { echo "there is no $TARGET/debug/veche; run the part \"build\" first"; exit 1; }
cd "$ROOT/tests/transcripts" || exit 1
exec node --test --test-reporter=spec --test-timeout=600000 replay.test.mjs
