//! One client's conversation as a pure state machine.
