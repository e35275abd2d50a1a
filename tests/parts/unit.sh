#!/usr/bin/env bash
# the tests beside the code
cargo test --workspace --exclude veche-tests --locked --no-fail-fast
