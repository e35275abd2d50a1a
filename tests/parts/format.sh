#!/usr/bin/env bash
# rustfmt agrees with every file
cargo fmt --all --check
