#!/usr/bin/env bash
# input that no honest client sends
exec tests/parts/lib/node.sh hostile hostile-requests hostile-messages message-size better
