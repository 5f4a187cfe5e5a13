//! The maps. All but the counters are written by `handoff decap`, which they end with. Layouts: `lb_common::decap` and `lb_common::abi`.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LpmTrie, PerCpuArray};
use lb_common::abi::{Address, VerdictCounters};
use lb_common::decap::{MAX_VERDICTS, Settings};

/// Most addresses of a host, most VIPs, and most prefixes that tunnels may begin in.
const MAX_ADDRESSES: u32 = 65_536;

/// What holds for the whole program.
#[map]
pub(crate) static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// Addresses of the host, where tunnels end. The values mean nothing.
#[map]
pub(crate) static ADDRESSES: HashMap<Address, u8> = HashMap::with_max_entries(MAX_ADDRESSES, BPF_F_NO_PREALLOC);

/// VIPs, which packets from tunnels may be for. The values mean nothing.
#[map]
pub(crate) static VIPS: HashMap<Address, u8> = HashMap::with_max_entries(MAX_ADDRESSES, BPF_F_NO_PREALLOC);

/// Where tunnels may begin. The values mean nothing.
#[map]
pub(crate) static SOURCES: LpmTrie<Address, u8> = LpmTrie::with_max_entries(MAX_ADDRESSES, 0);

/// Packets by verdict. Written by the program.
#[map]
pub(crate) static VERDICTS: PerCpuArray<VerdictCounters> = PerCpuArray::with_max_entries(MAX_VERDICTS, 0);
