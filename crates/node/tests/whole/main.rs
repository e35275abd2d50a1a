//! A whole node without HTTP: real sockets, several workers, the engine in memory.

#[cfg(test)]
mod application;
#[cfg(test)]
mod approving;
#[cfg(test)]
mod asking;
#[cfg(test)]
mod client;
#[cfg(test)]
mod deferring;
#[cfg(test)]
mod delivering;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod health;
#[cfg(test)]
mod identifying;
mod listing;
#[cfg(test)]
mod logging_in;
#[cfg(test)]
mod parting;
#[cfg(test)]
mod permitting;
#[cfg(test)]
mod renewing;
#[cfg(test)]
mod server;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod watching;
