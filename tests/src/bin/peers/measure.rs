//! What is measured of a subject in one round.

use crate::bpf::keeping_time;
use crate::cpu::Moment;
use crate::load::{self, Progress};
use crate::memory::Memory;
use crate::place::Place;
use crate::subject::Subject;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// One kind of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Measure {
    /// New connections a second, of one request each.
    Connections,
    /// CPU time of the whole machine for 1,000 of them, in milliseconds.
    ConnectionsCpu,
    /// Packets that the balancer received for one of them.
    ConnectionPackets,
    /// Requests a second over connections that stay open.
    Requests,
    /// CPU time of the whole machine for 1,000 of them, in milliseconds.
    RequestsCpu,
    /// Gbit/s from the client.
    Upload,
    /// Gbit/s to the client.
    Download,
    /// Time from when a connection was due to the end of its answer, in microseconds: of these, half took no longer.
    LatencyP50,
    /// 99 of 100 took no longer.
    LatencyP99,
    /// 999 of 1,000 took no longer.
    LatencyP999,
    /// CPU time of the whole machine for 1,000 connections at the fixed rate, in milliseconds.
    PacedCpu,
    /// CPU time of the XDP program for 1,000 connections at the fixed rate, in milliseconds.
    ProgramCpu,
    /// Memory of the balancer's processes after the new connections, in MiB.
    UserMemory,
    /// Memory of the balancer's tables in the kernel then, in MiB.
    KernelMemory,
    /// Connections that failed, of all that were tried.
    Failed,
}

/// The figures of one round.
pub(crate) type Round = BTreeMap<Measure, f64>;

/// Sets the subject up, measures it, and takes it down.
pub(crate) fn measure(subject: Subject, place: &Place, time: Duration, rate: u32) -> Result<Round> {
    let about = || format!("{}: cannot be measured", subject.title());
    let standing = subject.set_up(place).with_context(about)?;
    place.is_open().with_context(about)?;
    let mut round = Round::new();
    let connections = under(place, time, load::connections::run).context("new connections").with_context(about)?;
    round.insert(Measure::Connections, connections.rate());
    round.insert(Measure::ConnectionsCpu, connections.cpu_of_thousand());
    round.insert(Measure::ConnectionPackets, connections.packets / connections.done);
    let Memory { user, kernel } = standing.memory().with_context(about)?;
    round.insert(Measure::UserMemory, user);
    round.extend(kernel.map(|kernel| (Measure::KernelMemory, kernel)));

    let requests = under(place, time, load::requests::run).context("requests").with_context(about)?;
    round.insert(Measure::Requests, requests.rate());
    round.insert(Measure::RequestsCpu, requests.cpu_of_thousand());
    const BITS_OF_GBIT: f64 = 8.0 / 1e9;
    let upload = under(place, time, load::bulk::upload).context("upload").with_context(about)?;
    round.insert(Measure::Upload, upload.rate() * BITS_OF_GBIT);
    let download = under(place, time, load::bulk::download).context("download").with_context(about)?;
    round.insert(Measure::Download, download.rate() * BITS_OF_GBIT);

    let paced = |progress: &Progress| load::paced::run(progress, rate);
    let program_before = standing.program_time().with_context(about)?;
    let paced = || under_with(place, time, paced).context("new connections at a fixed rate");
    let (paced, times) = keeping_time(paced).with_context(about)?;
    if let (Some(before), Some(after)) = (program_before, standing.program_time().with_context(about)?) {
        // The kernel kept time of all of them, and not only of those that count.
        round.insert(Measure::ProgramCpu, (after - before) * 1e6 / paced.all);
    }
    let mut all = load::paced::no_times()?;
    times.iter().try_for_each(|times| all.add(times))?;
    ensure!(!all.is_empty(), "{}: no connection at the fixed rate came to its end", subject.title());
    for (measure, quantile) in [(Measure::LatencyP50, 0.5), (Measure::LatencyP99, 0.99), (Measure::LatencyP999, 0.999)]
    {
        round.insert(measure, all.value_at_quantile(quantile) as f64 / 1e3);
    }
    round.insert(Measure::PacedCpu, paced.cpu_of_thousand());
    round.insert(Measure::Failed, connections.failed + paced.failed);
    standing.take_down().with_context(about)?;
    Ok(round)
}

/// What was done in a time.
struct Done {
    seconds: f64,
    busy: f64,
    done: f64,
    failed: f64,
    packets: f64,
    /// With what was done before and after.
    all: f64,
}

impl Done {
    fn rate(&self) -> f64 {
        self.done / self.seconds
    }

    fn cpu_of_thousand(&self) -> f64 {
        self.busy * 1e6 / self.done
    }
}

fn under(place: &Place, time: Duration, work: impl Fn(&Progress) -> Result<()> + Sync) -> Result<Done> {
    Ok(under_with(place, time, work)?.0)
}

fn under_with<T: Send>(
    place: &Place,
    time: Duration,
    work: impl Fn(&Progress) -> Result<T> + Sync,
) -> Result<(Done, Vec<T>)> {
    let look = |progress: &Progress| Ok((Moment::now()?, progress.done(), progress.failed(), place.packets()?));
    let progress = Progress::default();
    let ([before, after], results) = load::under(&place.client(), time, &progress, work, look)?;
    let (seconds, busy) = after.0.since(before.0);
    let [done, failed, packets] =
        [after.1 - before.1, after.2 - before.2, after.3 - before.3].map(|difference| difference as f64);
    // A few may fail and are published; with more, the other figures would be of something else.
    ensure!(done > 0.0 && failed <= done / 100.0, "{failed} connections failed, {done} did not");
    Ok((Done { seconds, busy, done, failed, packets, all: progress.done() as f64 }, results))
}
