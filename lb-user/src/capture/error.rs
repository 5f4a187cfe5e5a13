use crate::network;
use std::io;
use std::path::PathBuf;

/// What can go wrong with libpcap.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// libpcap does not say which devices there are.
    #[error("libpcap cannot list the network devices: {0}")]
    List(String),
    /// The kernel does not say what is attached to them.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// There is no such device.
    #[error("{name}: no such network device; there are {there}: see `handoff devices`")]
    NoDevice {
        /// The name.
        name: String,
        /// Names of those that there are.
        there: String,
    },
    /// The process may not capture.
    #[error("{name}: capturing takes {missing}: run the command as root, or with that capability")]
    Rights {
        /// The device.
        name: String,
        /// The capability that is missing.
        missing: String,
    },
    /// The filter is none.
    #[error("filter {filter:?}: {reason}: pcap-filter(7) says what filters look like")]
    Filter {
        /// The filter.
        filter: String,
        /// What libpcap says of it.
        reason: String,
    },
    /// The device cannot be captured on, or not any more.
    #[error("{name}: cannot capture: {reason}; `handoff devices` shows whether the device is up")]
    Device {
        /// The device.
        name: String,
        /// What libpcap says.
        reason: String,
    },
    /// What was captured cannot be written.
    #[error("{}: cannot write what is captured: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// What was captured cannot be shown.
    #[error("cannot show what is captured: {0}")]
    Show(io::Error),
}

/// libpcap's own words, without those of its binding around them.
pub(super) fn said(error: pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text,
        other => other.to_string(),
    }
}
