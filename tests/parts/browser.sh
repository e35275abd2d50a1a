#!/usr/bin/env bash
# two people chat in Chromium, one loses the network, the server is killed
exec tests/parts/lib/node.sh browser
