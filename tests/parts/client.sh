#!/usr/bin/env bash
# the official client in Node, JSON and Protobuf, deltas included, and the server API
exec tests/parts/lib/node.sh connection channels access recovery delta api
