//! The network stack's settings (sysctl(8)). What is below /proc/sys/net belongs to the network namespace of whoever looks.

use super::Error;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Folder of the IPv4 settings by interface, with `all` and `default` among them.
const INTERFACES: &str = "net/ipv4/conf";

/// The IPv4 settings that decide who hears of a VIP, and who is heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// For which of its addresses an interface answers ARP.
    pub(super) arp_ignore: u8,
    /// Which of its addresses it asks by ARP with.
    pub(super) arp_announce: u8,
    /// What is done with packets whose senders are not behind the interface that they came in by, for each interface.
    pub(super) rp_filter: BTreeMap<String, u8>,
}

impl Settings {
    /// The settings at this moment.
    pub(super) fn look() -> Result<Self, Error> {
        let folder = path(INTERFACES);
        let failed = |source| Error::Setting { key: INTERFACES.to_owned(), source };
        let mut rp_filter = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let Ok(interface) = entry.map_err(failed)?.file_name().into_string() else { continue };
            // It may have been taken away since.
            if let Ok(value) = get(&key(&interface, "rp_filter")) {
                rp_filter.insert(interface, value);
            }
        }
        let of_all = |name| get(&key("all", name)).map_err(|source| Error::Setting { key: key("all", name), source });
        Ok(Self { arp_ignore: of_all("arp_ignore")?, arp_announce: of_all("arp_announce")?, rp_filter })
    }
}

/// Key of the setting `name` of an interface. With slashes, because the names of interfaces may have dots.
pub(crate) fn key(interface: &str, name: &str) -> String {
    format!("{INTERFACES}/{interface}/{name}")
}

pub(crate) fn get(key: &str) -> io::Result<u8> {
    let text = fs::read_to_string(path(key))?;
    text.trim().parse().map_err(|_| io::Error::other(format!("{:?} is not a small number", text.trim())))
}

pub(super) fn set(key: &str, value: u8) -> io::Result<()> {
    fs::write(path(key), value.to_string())
}

fn path(key: &str) -> std::path::PathBuf {
    Path::new("/proc/sys").join(key)
}
