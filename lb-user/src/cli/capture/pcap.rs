use crate::agent::signals::Signals;
use crate::capture::{self, Device, Error, Live, LiveOptions, Statistics, Stopper, line_of};
use pcap::{Linktype, Packet};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, SystemTime};
use tokio::runtime::{Builder, Runtime};

/// What libpcap is to capture, and where it goes.
pub(super) struct Options {
    /// The device; the one that libpcap chooses, unless said.
    pub(super) interface: Option<String>,
    /// Bytes that are kept of each packet.
    pub(super) snaplen: u16,
    /// Also packets that are for other Ethernet addresses.
    pub(super) promiscuous: bool,
    /// After how many packets it ends.
    pub(super) count: Option<u32>,
    /// The file that they go to instead of standard output.
    pub(super) write: Option<PathBuf>,
    /// Which packets, in libpcap's language.
    pub(super) filter: Option<String>,
}

/// Captures until as many packets came as were wanted, or a signal does; then says on standard error how many there were.
pub(super) fn run(options: Options) -> anyhow::Result<ExitCode> {
    let Options { interface, snaplen, promiscuous, count, write, filter } = options;
    let device = crate::cli::wait(capture::device(interface.as_deref()))??;
    if let Some(notice) = notice(&device) {
        eprintln!("{notice}");
    }
    let told = Told::catch()?;
    let mut live = Live::open(&LiveOptions { device: device.name.clone(), snaplen, promiscuous, count, filter })?;
    told.ends(live.stopper());
    eprintln!("capturing on {}, {snaplen} bytes of each packet", device.name);
    let counted = match write {
        None => show(live)?,
        Some(path) => save(live, &path)?,
    };
    if let Some(Statistics { captured, received, dropped, dropped_by_interface }) = counted {
        eprintln!(
            "{captured} packets captured\n{received} packets received: they passed the filter\n\
             {dropped} packets dropped by the kernel: they were not read in time\n\
             {dropped_by_interface} packets dropped by the interface"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What is not seen on a device with an XDP program.
fn notice(device: &Device) -> Option<String> {
    let xdp = device.xdp.as_ref()?;
    let name = &device.name;
    Some(if xdp.handoff {
        format!(
            "{name} has Handoff's XDP program: libpcap sees what that passes to the network stack, and none of the packets that it \
             forwards or drops; `handoff capture` without --engine pcap shows those"
        )
    } else {
        let program = xdp.program.as_deref().unwrap_or("of an unknown name");
        format!("{name} has the XDP program {program}: libpcap sees only what that passes to the network stack")
    })
}

/// What the process is told from now on.
struct Told {
    runtime: Runtime,
    signals: Signals,
}

impl Told {
    fn catch() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let signals = runtime.block_on(async { Signals::catch() })?;
        Ok(Self { runtime, signals })
    }

    /// Ends the capture when it is told to end, in a thread of its own: libpcap keeps this one.
    fn ends(mut self, stopper: Stopper) {
        thread::spawn(move || {
            self.runtime.block_on(self.signals.received());
            stopper.stop();
        });
    }
}

/// A line for each packet. Whoever reads them may leave before the end.
fn show(live: Live) -> Result<Option<Statistics>, Error> {
    let linktype = live.linktype();
    match live.run(|packet| writeln!(io::stdout(), "{}", text(linktype, packet)).map_err(Error::Show)) {
        Err(Error::Show(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(None),
        counted => counted.map(Some),
    }
}

fn save(live: Live, path: &Path) -> Result<Option<Statistics>, Error> {
    let mut file = live.file(path)?;
    let counted = live.run(|packet| {
        file.write(packet);
        Ok(())
    })?;
    file.flush().map_err(|error| Error::File { path: path.to_owned(), reason: error.to_string() })?;
    Ok(Some(counted))
}

fn text(linktype: Linktype, packet: &Packet<'_>) -> String {
    let (seconds, microseconds) = (packet.header.ts.tv_sec, packet.header.ts.tv_usec);
    let since_1970 = Duration::from_secs(seconds.unsigned_abs()) + Duration::from_micros(microseconds.unsigned_abs());
    let time = humantime::format_rfc3339_micros(SystemTime::UNIX_EPOCH + since_1970);
    format!("{time} {}", line_of(linktype, packet.data, packet.header.len))
}
