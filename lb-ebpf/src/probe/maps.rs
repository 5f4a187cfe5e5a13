//! The maps, which end with the agent. Layouts: `lb_common::probe`.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, LruHashMap};
use lb_common::abi::Address;
use lb_common::probe::{AnswerKey, MAX_TARGETS, Target};

/// What becomes of packets, by their mark. Written by the agent.
#[map]
pub(crate) static TARGETS: HashMap<u32, Target> = HashMap::with_max_entries(MAX_TARGETS, BPF_F_NO_PREALLOC);

/// Who answers are from. Written by the program: room for several probes of each target, the last of which counts.
#[map]
pub(crate) static ANSWERS: LruHashMap<AnswerKey, Address> = LruHashMap::with_max_entries(4 * MAX_TARGETS, 0);
