#!/usr/bin/env bash
# clippy has nothing to say, in any target
cargo clippy --workspace --all-targets --locked -- -D warnings
