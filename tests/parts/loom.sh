#!/usr/bin/env bash
# what workers share, in every order of steps that loom finds
RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=$TARGET/loom cargo test -p veche-node --lib --release --locked loom
