use super::{Args, XdpArgs};
use crate::agent::signals::Signals;
use crate::capture::{Files, Filter, Rotation, Stream, StreamBlock, StreamPacket, line, narrow};
use crate::cli::wait;
use crate::control::types::CaptureRequest;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// Captures in Handoff's program until as many packets came as were wanted, or a signal does; then says on standard error how many there were.
pub(super) fn run(args: &Args, filter: Option<String>) -> anyhow::Result<ExitCode> {
    let client = args.agent.client();
    let snaplen = args.snaplen.unwrap_or(CaptureRequest::DEFAULT_SNAPLEN);
    let mut request = request(args, snaplen);
    if let Some(filter) = &filter {
        narrow(filter, &mut request);
    }
    let mut capture = Capture {
        stream: Stream::default(),
        filter: filter.map(|filter| Filter::compile(&filter, snaplen)).transpose()?,
        left: args.count.unwrap_or(u32::MAX),
        output: output(args.write.as_deref(), &args.xdp)?,
        captured: 0,
        missed: 0,
        wanted: None,
        leaves: false,
        outcome: Ok(()),
    };
    wait(async {
        let mut signals = Signals::catch()?;
        tokio::select! {
            done = client.capture(&request, |bytes| capture.take(bytes)) => done.map_err(anyhow::Error::from),
            _ = signals.received() => Ok(()),
        }
    })??;
    capture.end()
}

fn request(args: &Args, snaplen: u16) -> CaptureRequest {
    let XdpArgs { service, backend, packets, flags, one_flow_in, rate, duration, .. } = &args.xdp;
    CaptureRequest {
        client: packets.client,
        vip: packets.vip,
        port: packets.port,
        protocol: packets.protocol,
        flags: flags.clone(),
        service: service.clone(),
        backend: backend.clone(),
        verdict: packets.verdict.clone(),
        one_flow_in: *one_flow_in,
        snaplen: Some(snaplen),
        rate: *rate,
        // Those that the filter says no to do not count; so the counting is done here.
        count: None,
        duration_s: duration.map(|duration| duration.as_secs_f64().ceil().max(1.0) as u64),
        ..CaptureRequest::default()
    }
}

fn output(path: Option<&Path>, args: &XdpArgs) -> anyhow::Result<Output> {
    let Some(path) = path else { return Ok(Output::Text) };
    let XdpArgs { rotate_size, rotate_after, keep, .. } = args;
    let rotation = Rotation { size: *rotate_size, age: *rotate_after, keep: keep.map(usize::from) };
    Ok(Output::Files(Box::new(Files::create(path, rotation, Instant::now())?)))
}

/// What becomes of packets that leave again.
const LEAVING: [&str; 2] = ["forwarded", "answered"];

/// A capture under way.
struct Capture {
    stream: Stream,
    filter: Option<Filter>,
    left: u32,
    output: Output,
    captured: u64,
    missed: u64,
    /// Number of the last packet that the filter said yes to: it is wanted on its way out as well.
    wanted: Option<u64>,
    /// Whether that one has yet to come on its way out.
    leaves: bool,
    outcome: anyhow::Result<()>,
}

/// Where packets go.
enum Output {
    Text,
    Files(Box<Files>),
}

impl Capture {
    /// Takes in a part of the agent's answer; whether more is wanted.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let mut stream = std::mem::take(&mut self.stream);
        let goes_on = stream.feed(bytes, |block| {
            if self.wants(&block) {
                self.outcome = self.put(&block);
            }
            self.outcome.is_ok()
        });
        self.stream = stream;
        // Whoever looks at the file meanwhile sees what there is.
        if let (Ok(()), Output::Files(files)) = (&self.outcome, &mut self.output) {
            self.outcome = files.flush().map_err(anyhow::Error::from);
        }
        match goes_on {
            Ok(goes_on) => goes_on && (self.left > 0 || self.leaves) && self.outcome.is_ok(),
            Err(error) => {
                self.outcome = Err(anyhow::anyhow!("the agent's answer is no capture: {error}"));
                false
            }
        }
    }

    /// Whether a block is to be kept, and counts it if it is a packet.
    fn wants(&mut self, block: &StreamBlock) -> bool {
        let Some(packet) = &block.packet else { return true };
        self.missed += packet.missed;
        // Whatever comes next: a packet on its way out follows the same as it came in.
        self.leaves = false;
        let Some(decision) = &packet.decision else { return self.wanted == Some(packet.number) };
        let is_wanted =
            self.left > 0 && self.filter.as_ref().is_none_or(|filter| filter.matches(&packet.data, packet.len));
        self.wanted = is_wanted.then_some(packet.number);
        if is_wanted {
            self.captured += 1;
            self.left -= 1;
            self.leaves = LEAVING.iter().any(|action| decision.starts_with(action));
        }
        is_wanted
    }

    fn put(&mut self, block: &StreamBlock) -> anyhow::Result<()> {
        match (&mut self.output, &block.packet) {
            (Output::Files(files), _) => Ok(files.add(block, Instant::now())?),
            (Output::Text, Some(packet)) => Ok(show(packet)?),
            (Output::Text, None) => Ok(()),
        }
    }

    /// Says how many there were, and what went wrong, if anything.
    fn end(mut self) -> anyhow::Result<ExitCode> {
        if let Output::Files(files) = &mut self.output {
            files.flush()?;
        }
        eprintln!(
            "{} packets captured\n{} packets missed: there were more than the rate, or than were read in time",
            self.captured, self.missed
        );
        match self.outcome {
            // Whoever reads has seen enough.
            Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            outcome => outcome.map(|()| ExitCode::SUCCESS),
        }
    }
}

/// A line for a packet that came in, and none for the same on its way out.
fn show(packet: &StreamPacket) -> io::Result<()> {
    let Some(decision) = &packet.decision else { return Ok(()) };
    let time = humantime::format_rfc3339_micros(packet.at);
    let interface = packet.interface.trim_end_matches(":in");
    let missed = if packet.missed > 0 { format!(" ({} missed before)", packet.missed) } else { String::new() };
    writeln!(io::stdout(), "{time} {interface} {}: {decision}{missed}", line(&packet.data, packet.len))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
