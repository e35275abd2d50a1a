#!/usr/bin/env bash
# the API's OpenAPI document against the server, by schemathesis
[ -x "${VECHE_BIN:-$TARGET/debug/veche}" ] || { echo "there is no $TARGET/debug/veche; run the part \"build\" first"; exit 1; }
cd "$ROOT/tests/openapi" || exit 1
PYTHONDONTWRITEBYTECODE=1 exec "$CACHE/schemathesis/bin/python" -m unittest -v test_document
