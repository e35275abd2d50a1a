#!/usr/bin/env bash
# veche sub, pub, call, history and presence, by every dialect and over routes that break
exec tests/parts/lib/node.sh tools-sub tools-requests tools-ends
