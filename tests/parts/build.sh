#!/usr/bin/env bash
# the one development build that all later parts use
cargo build --workspace --all-targets --features veche/tools --locked
