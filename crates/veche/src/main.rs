//! The veche binary.

fn main() {}
