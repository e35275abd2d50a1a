//! The whole server, wired.
