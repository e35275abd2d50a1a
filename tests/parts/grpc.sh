#!/usr/bin/env bash
# the gRPC API, called by grpcio
[ -x "${VECHE_BIN:-$TARGET/debug/veche}" ] || { echo "there is no $TARGET/debug/veche; run the part \"build\" first"; exit 1; }
cd "$ROOT/tests/e2e/python" || exit 1
PYTHONDONTWRITEBYTECODE=1 exec "$CACHE/python/bin/python" -W ignore -m unittest -v test_grpc
