//! Gives `veche_fuzzing::commands::json` to libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| veche_fuzzing::commands::json(input));
