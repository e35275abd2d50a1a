//! The Centrifuge client protocol and the plain dialect: what is said.
