#!/usr/bin/env bash
# the official client in Node, JSON and Protobuf, deltas and filters included, the server API and its lists; signals and logs
exec tests/parts/lib/node.sh connection keys channels access recovery delta filter api listing pause open-files printable operating
