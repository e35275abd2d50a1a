#!/usr/bin/env bash
# the engine on disk: backup, check, restore; killed at random moments under load, for 40 seconds (KILL_SECONDS=3600 for an hour)
exec tests/parts/lib/node.sh store kill
