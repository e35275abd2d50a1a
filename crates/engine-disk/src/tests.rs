//! Tests of the whole engine, on real files.

mod caring;
mod conforming;
mod full;
mod power;
mod retaining;
mod rotting;
mod surviving;
