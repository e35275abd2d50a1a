#!/usr/bin/env bash
# the tests beside the code
cargo test --workspace --features veche/tools --exclude veche-tests --exclude veche-micro --exclude veche-fuzzing --locked --no-fail-fast
