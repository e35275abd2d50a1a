//! Gives `veche_fuzzing::conversation::run` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| veche_fuzzing::conversation::run(input));
