#!/usr/bin/env bash
# what a client can make the server keep, and for how long another client waits meanwhile
exec tests/parts/lib/node.sh growth-messages growth-names growth-requests growth-rounds
