#!/usr/bin/env bash
# no crate imports what the house does not allow
cargo test --package veche-tests --locked
