use serde::{Deserialize, Serialize};
use std::fmt;

/// Name of a network interface: 1 to 15 bytes, no `/` and no white space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InterfaceName(pub(in crate::config) String);

impl InterfaceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where in the network stack the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum XdpMode {
    /// In the driver where it can, otherwise in the generic hook.
    Auto,
    /// In the driver, before the kernel makes a socket buffer.
    Native,
    /// After the kernel made a socket buffer: slower, on every interface.
    Generic,
}
