use super::Error;
use super::host::Host;
use super::settings;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use tracing::warn;

/// A change of the host, with what it takes to undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Change {
    /// A setting of the network stack.
    Setting {
        /// Its name, as sysctl(8) takes it.
        key: String,
        /// What it was.
        former: u8,
        /// What it becomes.
        value: u8,
    },
    /// A VIP that the loopback interface gets.
    Vip {
        /// The VIP.
        address: IpAddr,
    },
}

impl Change {
    /// Makes the change.
    pub(super) async fn make(&self, host: &Host) -> Result<(), Error> {
        let made = match self {
            Self::Setting { key, value, .. } => settings::set(key, *value),
            Self::Vip { address } => host.add(*address).await,
        };
        made.map_err(|source| Error::Change { change: self.clone(), source })
    }

    /// Undoes the change, unless it was never made, or somebody has changed the same since.
    pub(super) async fn undo(&self, host: &Host) -> io::Result<()> {
        match self {
            Self::Setting { key, former, value } => match settings::get(key) {
                Ok(current) if current == *value => settings::set(key, *former),
                Ok(current) if current == *former => Ok(()),
                Ok(current) => {
                    warn!(key, current, former, "somebody else has changed this setting: it stays");
                    Ok(())
                }
                // With its interface.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            },
            Self::Vip { address } => match host.remove(*address).await {
                Err(error) if error.kind() == ErrorKind::AddrNotAvailable => Ok(()),
                removed => removed,
            },
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { key, former, value } => write!(f, "{key} {former} -> {value}"),
            Self::Vip { address } => write!(f, "{address} on lo"),
        }
    }
}
