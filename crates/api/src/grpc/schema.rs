//! The stubs of the schema, as `tests/schema.rs` generates and checks them.

#![expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]

include!("../../schema/generated/centrifugal.centrifugo.api.rs");

/// The service for methods that Centrifugo does not have.
pub(super) mod veche {
    include!("../../schema/generated/veche.api.rs");
}

/// The schema for reflection: an encoded `FileDescriptorSet`.
pub(super) const DESCRIPTORS: &[u8] = include_bytes!("../../schema/generated/descriptors.bin");
