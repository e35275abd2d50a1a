#!/usr/bin/env bash
# the plain dialect over a bare WebSocket, and the lecture's snippets
exec tests/parts/lib/node.sh plain lecture
