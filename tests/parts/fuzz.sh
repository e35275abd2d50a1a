#!/usr/bin/env bash
# all decoders and whole conversations, over the fuzzers' corpus and mutations of it
cargo test -p veche-fuzzing --locked --no-fail-fast
