#!/usr/bin/env bash
# clippy has nothing to say, in any target
# With the tools, and without them as the first command builds it.
cargo clippy --workspace --all-targets --features veche/tools --locked -- -D warnings &&
  cargo clippy --workspace --all-targets --locked -- -D warnings
