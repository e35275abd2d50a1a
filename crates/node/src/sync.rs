//! The locks, atomics and wakers of what workers share.
//!
//! In tests with `--cfg loom` they are loom's, which tries the ways in which threads can interleave: see
//! `inbox::loom` and `interest::loom`.

#[cfg(all(test, loom))]
mod modelled;

#[cfg(all(test, loom))]
pub(crate) use self::modelled::{AtomicBool, AtomicUsize, Mutex, Notify, Waker};

#[cfg(not(all(test, loom)))]
pub(crate) use mio::Waker;
#[cfg(not(all(test, loom)))]
pub(crate) use parking_lot::Mutex;
pub(crate) use std::sync::atomic::Ordering;
#[cfg(not(all(test, loom)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize};
#[cfg(not(all(test, loom)))]
pub(crate) use tokio::sync::Notify;
