//! The XDP program in the kernel, run by `BPF_PROG_TEST_RUN`.

use super::{Action, Subject};
use crate::world::BUCKETS;
use anyhow::{Context, Result, bail, ensure};
use aya::maps::{Array, Map, MapData};
use aya::programs::{TestRun, TestRunOptions};
use lb_common::abi::{TICK_BITS, Ticks};
use lb_common::flow_table::{FlowRecord, FlowState, WAYS};
use lb_user::bpf::{KernelDataplane, Object, Pinning};

/// The XDP program and its maps, attached to nothing and pinned nowhere.
pub struct Kernel {
    dataplane: KernelDataplane,
    /// The flow table, each bucket as tag and record of its entries in turn.
    flows: Array<MapData, [[u64; 2]; WAYS]>,
}

impl Kernel {
    /// Loads the program, with new maps.
    ///
    /// # Errors
    /// When the kernel refuses, as it does without root.
    pub fn load() -> Result<Self> {
        let mut dataplane = KernelDataplane::new(Object::load(BUCKETS * WAYS as u32, Pinning::Off)?)?;
        let maps =
            dataplane.object().xdp()?.info()?.map_ids()?.context("the kernel does not say which maps there are")?;
        for id in maps {
            let map = MapData::from_id(id)?;
            if map.info()?.name_as_str() == Some("FLOWS") {
                return Ok(Self { dataplane, flows: Map::Array(map).try_into()? });
            }
        }
        bail!("the XDP program has no map FLOWS")
    }
}

impl Subject for Kernel {
    type Dataplane = KernelDataplane;

    fn dataplane(&mut self) -> &mut KernelDataplane {
        &mut self.dataplane
    }

    fn process(&mut self, frame: &mut Vec<u8>) -> Result<Option<Action>> {
        let mut out = vec![0; frame.len()];
        let options = TestRunOptions { data_in: Some(frame), data_out: Some(&mut out), ..TestRunOptions::new() };
        let result = self.dataplane.object().xdp()?.test_run(options)?;
        ensure!(result.data_size_out as usize == frame.len(), "out came {} bytes", result.data_size_out);
        *frame = out;
        Ok(Some(match result.return_value {
            1 => Action::Drop,
            2 => Action::Pass,
            3 => Action::Transmit,
            4 => Action::Redirect,
            other => bail!("the program returned {other}"),
        }))
    }

    /// The kernel's clock cannot be set, so the flows grow older instead.
    fn pass_time(&mut self, ticks: Ticks) -> Result<()> {
        for index in 0..BUCKETS {
            let mut bucket = self.flows.get(&index, 0)?;
            for [_, record] in &mut bucket {
                *record = aged(FlowRecord::from_bits(*record), ticks).bits();
            }
            self.flows.set(index, bucket, 0)?;
        }
        Ok(())
    }
}

/// The record of a flow as if its last packet had come `ticks` earlier.
fn aged(record: FlowRecord, ticks: Ticks) -> FlowRecord {
    if record.state() == FlowState::EMPTY {
        return record;
    }
    let earlier = record.last_seen().wrapping_sub(ticks) & ((1 << TICK_BITS) - 1);
    record.seen(record.state(), earlier)
}
