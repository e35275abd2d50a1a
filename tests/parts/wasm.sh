#!/usr/bin/env bash
# the Rust client's rules as WebAssembly, run by Node; where rustup has no such target nothing is run
target=wasm32-unknown-unknown
rustup target list --installed 2>/dev/null | grep -qx "$target" || rustup target add "$target" >/dev/null 2>&1 ||
  { echo "not run: there is no $target here, and rustup cannot get it"; exit "$NOT_RUN"; }
cargo test --package veche-client --no-default-features --test model --target "$target" --locked --no-run || exit 1
MODEL=$(find "$TARGET/$target/debug/deps" -name 'model-*.wasm' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
MODEL=$MODEL exec node --test --test-reporter=spec --test-timeout=600000 tests/wasm/model.test.mjs
