//! Workers, hub and fan-out: many conversations on one server.
