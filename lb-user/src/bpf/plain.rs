use lb_common::abi::{Backend, BackendCounters, Service, ServiceCounters, ServiceKey, Settings, Tally};

/// A map key or value that is copied to and from the kernel as bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Plain<T>(pub(super) T);

/// Types without padding and without invalid bit patterns: `lb_common::abi` spells all padding out and asserts all sizes.
pub(super) trait IsPlain: Copy + 'static {}

impl IsPlain for Settings {}
impl IsPlain for ServiceKey {}
impl IsPlain for Service {}
impl IsPlain for Backend {}
impl IsPlain for Tally {}
impl IsPlain for ServiceCounters {}
impl IsPlain for BackendCounters {}
impl IsPlain for [u64; 8] {}

// SAFETY: `Plain` is laid out as its content, which `IsPlain` promises to have no padding and no invalid bit patterns.
unsafe impl<T: IsPlain> aya::Pod for Plain<T> {}
