#!/usr/bin/env bash
# the bytes that Dart's client sends, rule by rule
exec tests/parts/lib/node.sh dart
