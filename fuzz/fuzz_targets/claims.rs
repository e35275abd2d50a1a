//! Gives `veche_fuzzing::tokens::claims` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| veche_fuzzing::tokens::claims(input));
