//! JSON web tokens and what they claim.
