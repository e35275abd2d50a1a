//! Tests of the whole server; the code that starts it and talks to it.
