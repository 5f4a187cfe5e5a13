use lb_common::abi::{
    AccessKey, Action, Address, Backend, BackendCounters, CaptureFilter, CaptureRecord, PortsKey, QuicKey, QuicServer,
    QuicServerKey, SampleRecord, Sampling, Service, ServiceCounters, ServiceKey, Settings, SourceKey, Tally,
    VerdictCounters,
};
use lb_common::decap;
use lb_common::probe;
use lb_common::quic::QuicConfig;

/// A map key or value that is copied to and from the kernel as bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Plain<T>(pub(super) T);

/// Types without padding and without invalid bit patterns.
///
/// # Safety
/// All of the type's bytes must belong to fields for which any bit pattern is valid.
pub(super) unsafe trait IsPlain: Copy + 'static {}

// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for Settings {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for Address {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for ServiceKey {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for PortsKey {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for AccessKey {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for Action {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for Service {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for Backend {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for VerdictCounters {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for ServiceCounters {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for BackendCounters {}
// SAFETY: numbers and arrays of numbers; `lb_common::decap` spells all padding out and asserts the size.
unsafe impl IsPlain for decap::Settings {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for QuicKey {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for QuicServerKey {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for QuicServer {}
// SAFETY: numbers and arrays of numbers; `lb_common::quic` spells all padding out and asserts the size.
unsafe impl IsPlain for QuicConfig {}
// SAFETY: numbers and arrays of numbers; `lb_common::probe` asserts the size.
unsafe impl IsPlain for probe::Target {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for SourceKey {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for CaptureFilter {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for CaptureRecord {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for Sampling {}
// SAFETY: numbers and arrays of numbers; `lb_common::abi` spells all padding out and asserts all sizes.
unsafe impl IsPlain for SampleRecord {}
// SAFETY: two numbers.
unsafe impl IsPlain for Tally {}
// SAFETY: numbers and arrays of numbers.
unsafe impl IsPlain for [u64; 2] {}
// SAFETY: numbers and arrays of numbers.
unsafe impl IsPlain for [u64; 8] {}

// SAFETY: `Plain` is laid out as its content, which `IsPlain` promises to have no padding and no invalid bit patterns.
unsafe impl<T: IsPlain> aya::Pod for Plain<T> {}
