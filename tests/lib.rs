//! Tests of the whole house: here those that need no running server; `e2e/` holds the others.
