//! RFC 6455 and RFC 7692 without I/O: how it is framed.
//!
//! Both roles, server and client, are here; a socket, a clock and a task are not. What a
//! connection does with it:
//!
//! 1. [`handshake`] turns an HTTP head that is already parsed into an upgrade, or into a refusal
//!    that names what is wrong with it.
//! 2. [`decoder::Decoder`] reads bytes where they lie and yields [`decoder::Event`]s. A message
//!    that came whole is a borrow of the read buffer; an idle connection owns no buffer.
//! 3. [`frame`], [`deflate`] and [`close`] write what is sent.

pub mod handshake;

pub mod frame;

pub mod mask;

pub mod decoder;

mod message;

mod utf8;

pub mod deflate;

pub mod close;
mod close_code;

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
