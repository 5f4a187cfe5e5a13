//! The real data plane: the XDP program and its maps in the kernel. The only module that names aya, and the only one with `unsafe`
//! code: map values are handed to the kernel as bytes, and two maps are read and written through memory mappings.
//!
//! | file | what it does |
//! |---|---|
//! | `object` | loads the embedded object and opens its maps |
//! | `pins` | where maps and links are pinned, and whether what is pinned there can be adopted |
//! | `attach` | attaches the program to interfaces, or takes over where an earlier one is attached |
//! | `decapsulator` | [`Decapsulator`]: the program of a back-end, and its maps |
//! | `probe_way` | [`ProbeWay`]: the programs for health checks by way of the VIP |
//! | `kernel` | [`KernelDataplane`]: the trait over the maps |
//! | `recorder` | records of packets |
//! | `view` | single elements of the maps, as the program looks them up |
//! | `mapped` | array maps in memory |
//! | `plain` | values as bytes |
//! | `programs` | what the kernel says of programs, whoever has loaded them |

#![expect(unsafe_code, reason = "map values cross into the kernel as bytes and through memory mappings")]

mod attach;
mod decapsulator;
mod error;
mod kernel;
mod mapped;
mod object;
mod pins;
mod plain;
mod probe_way;
mod programs;
mod recorder;
mod run_time;
mod view;

pub use attach::{attach, detach_others};
pub use decapsulator::Decapsulator;
pub use error::Error;
pub use kernel::KernelDataplane;
pub use object::{Object, Pinning, Sizes};
pub use pins::Pins;
pub use probe_way::ProbeWay;
pub use programs::{is_ours, program_name};
pub use run_time::{RunTime, measure_run_time};

use lb_common::abi::{Ticks, ticks};
use nix::time::{ClockId, clock_gettime};

/// The present, by the clock that the XDP program reads.
pub fn now() -> Ticks {
    ticks(nanoseconds())
}

/// The same in nanoseconds.
fn nanoseconds() -> u64 {
    // The clock exists since Linux 2.6.32, so there is no error to handle; at boot, nothing has happened yet.
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).unwrap_or_else(|_| nix::sys::time::TimeSpec::new(0, 0));
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}
