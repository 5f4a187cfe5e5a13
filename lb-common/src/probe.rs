//! Probes by way of a VIP.

/// The first of the marks (`SO_MARK`) that packets of probes have.
pub const FIRST_MARK: u32 = 0x6864_0000;

/// Most targets of such probes, each of which has a mark of its own.
pub const MAX_TARGETS: u32 = crate::abi::MAX_BACKENDS;
