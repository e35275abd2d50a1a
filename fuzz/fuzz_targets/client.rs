//! Gives `veche_fuzzing::client::run` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| veche_fuzzing::client::run(input));
