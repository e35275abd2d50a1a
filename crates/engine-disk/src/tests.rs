//! Tests of the whole engine, on real files.

mod conforming;
mod surviving;
