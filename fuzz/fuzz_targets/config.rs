//! Gives `veche_fuzzing::config::run` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| veche_fuzzing::config::run(input));
