//! What backends ask of the server.
