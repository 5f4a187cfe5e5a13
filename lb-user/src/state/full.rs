use lb_common::abi::{MAX_BACKENDS, MAX_RING_POSITIONS, MAX_SERVICES};

/// There is no room for all that should be beside what is going away, which keeps its place for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All service numbers are taken.
    #[error(
        "all {MAX_SERVICES} service numbers are taken, also by services that are going away: \
         remove services first, and add others when the removal grace is over"
    )]
    Services,
    /// All back-end slots are taken.
    #[error(
        "all {MAX_BACKENDS} back-end slots are taken, also by back-ends that are going away: \
         remove back-ends first, and add others when the removal grace is over"
    )]
    Backends,
    /// No gap between the rings is large enough, before those that were replaced have rested.
    #[error(
        "there is no room for all new rings beside those that they replace: \
         some services keep their former rings for a few seconds"
    )]
    Rings,
    /// No gap between the rings is large enough, and none will be.
    #[error(
        "the rings of all services do not fit into the {MAX_RING_POSITIONS} positions that there are, \
         with room to replace the largest: use fewer services with large rings, \
         as those of maglev, source-hash and different weights are"
    )]
    RingSpace,
}
