//! The XDP program in the kernel, run by `BPF_PROG_TEST_RUN`.

use super::clean::clean;
use super::{Action, Subject};
use crate::world::BUCKETS;
use anyhow::{Context, Result, bail, ensure};
use aya::maps::{Array, Map, MapData};
use aya::programs::{TestRun, TestRunOptions};
use lb_common::abi::{TICK_BITS, Ticks};
use lb_common::flow_table::{FlowRecord, Phase, WAYS};
use lb_user::bpf::{KernelDataplane, Object, Pinning, Sizes};
use std::sync::{Mutex, PoisonError};

/// Room in the kernel's tables.
const SIZES: Sizes = Sizes { flows: BUCKETS * WAYS as u32, clients: BUCKETS * WAYS as u32, keys: true };

/// By how much a frame may grow: more than any tunnel's headers.
const GROWTH: usize = 128;

/// The maps that are tables of flows, or like one.
const TABLES: [&str; 3] = ["FLOWS", "CLIENTS", "FRAGMENTS"];

/// The XDP program and its maps, attached to nothing and pinned nowhere.
pub struct Kernel {
    dataplane: KernelDataplane,
    /// The maps [`TABLES`], and how many buckets each has.
    tables: Vec<(Table, u32)>,
    /// All its maps.
    maps: Vec<u32>,
}

/// Those that nobody plays with at present.
static IDLE: Mutex<Vec<Kernel>> = Mutex::new(Vec::new());

/// Buckets, each as tag and record of its entries in turn.
type Table = Array<MapData, [[u64; 2]; WAYS]>;

impl Kernel {
    /// Loads the program, with new maps.
    ///
    /// # Errors
    /// When the kernel refuses, as it does without root.
    pub fn load() -> Result<Self> {
        let mut dataplane = KernelDataplane::new(Object::load(SIZES, Pinning::Off)?)?;
        let maps =
            dataplane.object().xdp()?.info()?.map_ids()?.context("the kernel does not say which maps there are")?;
        let mut tables = Vec::new();
        for &id in &maps {
            let map = MapData::from_id(id)?;
            let info = map.info()?;
            if info.name_as_str().is_some_and(|name| TABLES.contains(&name)) {
                tables.push((Map::Array(map).try_into()?, info.max_entries()));
            }
        }
        ensure!(!tables.is_empty(), "the XDP program has no map {}", TABLES[0]);
        Ok(Self { dataplane, tables, maps })
    }

    /// One that was given back, or else a new one; its maps are as good as new.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn fresh() -> Result<Self> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(kernel) = idle else { return Self::load() };
        kernel.maps.iter().try_for_each(|&id| clean(id))?;
        Ok(kernel)
    }

    /// Leaves it to whoever wants one next.
    pub fn give_back(self) {
        IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }
}

impl Subject for &mut Kernel {
    type Dataplane = KernelDataplane;

    fn dataplane(&mut self) -> &mut KernelDataplane {
        &mut self.dataplane
    }

    fn process(&mut self, frame: &mut Vec<u8>) -> Result<Option<Action>> {
        let mut out = vec![0; frame.len() + GROWTH];
        let options = TestRunOptions { data_in: Some(frame), data_out: Some(&mut out), ..TestRunOptions::new() };
        let result = self.dataplane.object().xdp()?.test_run(options)?;
        out.truncate(result.data_size_out as usize);
        *frame = out;
        Ok(Some(match result.return_value {
            1 => Action::Drop,
            2 => Action::Pass,
            3 => Action::Transmit,
            4 => Action::Redirect,
            other => bail!("the program returned {other}"),
        }))
    }

    /// The kernel's clock cannot be set, so what is remembered grows older instead.
    fn pass_time(&mut self, ticks: Ticks) -> Result<()> {
        for (table, buckets) in &mut self.tables {
            for index in 0..*buckets {
                let bucket = table.get(&index, 0)?;
                let aged = bucket.map(|[tag, record]| [tag, aged(FlowRecord::from_bits(record), ticks).bits()]);
                if aged != bucket {
                    table.set(index, aged, 0)?;
                }
            }
        }
        Ok(())
    }
}

/// The record of a flow as if its last packet had come `ticks` earlier.
fn aged(record: FlowRecord, ticks: Ticks) -> FlowRecord {
    if record.state().phase() == Phase::EMPTY {
        return record;
    }
    let earlier = record.last_seen().wrapping_sub(ticks) & ((1 << TICK_BITS) - 1);
    record.seen(record.state(), earlier)
}
