//! The channel over real sockets: against another implementation, against hostile peers, through
//! proxies and TLS, and against itself.

mod peer;

mod dart_channel;

mod dart_conformance;

mod faults;

mod cancel;

mod halves;

mod hostile;

mod proxies;

mod certificates;

mod servers;
