#!/usr/bin/env bash
# the tests beside the code
cargo test --workspace --exclude veche-tests --exclude veche-micro --locked --no-fail-fast
