use super::Error;
use super::error::said;
use super::files::packet_file;
use crate::agent::rights;
use caps::Capability;
use pcap::{Active, BreakLoop, Capture, Linktype, Packet, Savefile, Stat};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long libpcap may keep what it has before it looks whether it is told to stop, in milliseconds.
const PATIENCE_MS: i32 = 100;
/// Room for packets that wait to be read, in bytes: ten thousand of 1500 bytes.
const BUFFER: i32 = 16 << 20;

/// What is captured, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// Name of the device.
    pub device: String,
    /// Bytes that are kept of each packet.
    pub snaplen: u16,
    /// Also packets that are for other Ethernet addresses than the device's.
    pub promiscuous: bool,
    /// After how many packets the capture ends.
    pub count: Option<u32>,
    /// Only packets that this says yes to, in libpcap's language: see pcap-filter(7).
    pub filter: Option<String>,
}

impl LiveOptions {
    /// Bytes that are kept unless somebody says otherwise: the headers of TCP over IPv4, and a little more.
    pub const DEFAULT_SNAPLEN: u16 = 68;
}

/// A capture by way of libpcap.
pub struct Live {
    name: String,
    count: Option<u32>,
    capture: Capture<Active>,
    stopped: Arc<AtomicBool>,
}

/// What became of the packets that passed the filter, as libpcap counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Those that were handed over.
    pub captured: u64,
    /// All.
    pub received: u32,
    /// Those that were not read in time.
    pub dropped: u32,
    /// Those that the interface or its driver has lost, whatever the filter says of them.
    pub dropped_by_interface: u32,
}

/// Ends a [`Live`], from wherever.
pub struct Stopper {
    stopped: Arc<AtomicBool>,
    capture: BreakLoop,
}

impl Stopper {
    /// Ends it after the packets that have come in.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.capture.breakloop();
    }
}

impl Live {
    /// Opens the device, and sets the filter. Packets are captured from then on.
    ///
    /// # Errors
    /// When the device cannot be captured on, or the process may not, or the filter is none.
    pub fn open(options: &LiveOptions) -> Result<Self, Error> {
        let LiveOptions { device, snaplen, promiscuous, count, filter } = options;
        let failed = |error| match rights::lacking(&[Capability::CAP_NET_RAW]) {
            Some(missing) => Error::Rights { name: device.clone(), missing },
            None => Error::Device { name: device.clone(), reason: said(error) },
        };
        let inactive = Capture::from_device(device.as_str()).map_err(failed)?;
        let inactive = inactive.snaplen((*snaplen).into()).promisc(*promiscuous).buffer_size(BUFFER);
        // Each packet comes at once, and none is left behind at the end.
        let mut capture = inactive.timeout(PATIENCE_MS).immediate_mode(true).open().map_err(failed)?;
        if let Some(filter) = filter {
            let refused = |error| Error::Filter { filter: filter.clone(), reason: said(error) };
            capture.filter(filter, true).map_err(refused)?;
        }
        Ok(Self { name: device.clone(), count: *count, capture, stopped: Arc::default() })
    }

    /// What its packets begin with.
    pub fn linktype(&self) -> Linktype {
        self.capture.get_datalink()
    }

    /// What ends it before its time.
    pub fn stopper(&mut self) -> Stopper {
        Stopper { stopped: Arc::clone(&self.stopped), capture: self.capture.breakloop_handle() }
    }

    /// A file for what is captured, which only its owner and group may read.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn file(&self, path: &Path) -> Result<Savefile, Error> {
        let failed = |reason| Error::File { path: path.to_owned(), reason };
        // libpcap would make it as everybody may read it; it takes one that is there as it is.
        packet_file(path).map_err(|error| failed(error.to_string()))?;
        self.capture.savefile(path).map_err(|error| failed(said(error)))
    }

    /// Hands each packet to `each`, until as many came as were wanted, it is stopped, or `each` fails. Packets that had come in by then are
    /// handed over too.
    ///
    /// # Errors
    /// When the device fails, as when it is removed, or what `each` says.
    pub fn run(mut self, mut each: impl FnMut(&Packet<'_>) -> Result<(), Error>) -> Result<Statistics, Error> {
        let (stopper, mut captured, mut outcome) = (self.stopper(), 0, Ok(()));
        let ended = self.capture.for_each(self.count.map(|count| count as usize), |packet| {
            captured += 1;
            outcome = each(&packet);
            if outcome.is_err() {
                stopper.stop();
            }
        });
        outcome?;
        let Self { name, count, capture, stopped } = self;
        let failed = |error| Error::Device { name: name.clone(), reason: said(error) };
        // To be stopped is an error to libpcap's binding.
        if !stopped.load(Ordering::Relaxed) {
            ended.map_err(failed)?;
        }
        // libpcap ends at once when it is stopped, whatever waits in its buffer; what comes from now on is not waited for.
        let mut capture = capture.setnonblock().map_err(failed)?;
        let Stat { received, dropped, if_dropped } = capture.stats().map_err(failed)?;
        let wanted = u64::from(received.saturating_sub(dropped)).min(count.map_or(u64::MAX, u64::from));
        while captured < wanted {
            match capture.next_packet() {
                Ok(packet) => each(&packet)?,
                Err(pcap::Error::TimeoutExpired) => break,
                Err(error) => return Err(failed(error)),
            }
            captured += 1;
        }
        Ok(Statistics { captured, received, dropped, dropped_by_interface: if_dropped })
    }
}
