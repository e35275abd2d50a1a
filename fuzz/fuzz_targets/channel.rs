//! Gives `veche_fuzzing::channel::run` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| veche_fuzzing::channel::run(input));
