#!/usr/bin/env bash
# the bytes that Dart's client sends, rule by rule; the Flutter sample's syntax, and its conversation
status=0
(cd tests/dart && PYTHONDONTWRITEBYTECODE=1 "$CACHE/dart/bin/python" -m unittest -v test_syntax) || status=1
tests/parts/lib/node.sh dart dart-sample || status=1
exit "$status"
