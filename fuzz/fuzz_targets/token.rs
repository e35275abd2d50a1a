//! Gives `veche_fuzzing::tokens::token` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| veche_fuzzing::tokens::token(input));
