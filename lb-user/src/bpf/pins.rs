use super::Error;
use aya::maps::{MapData, MapInfo};
use lb_common::abi;
use lb_common::flow_table::WAYS;
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use std::fs;
use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Stands for the dot of a VLAN interface, as `eth0.100`: the BPF file system takes no name with a dot, and the kernel no
/// interface with a colon.
const DOT: &str = ":";

/// The flow table's map, whose size the operator chooses.
pub(super) const FLOWS: &str = "FLOWS";

/// The map of the flows' 5-tuples, which is as large as the flow table or not wanted.
pub(super) const KEYS: &str = "KEYS";

/// The map of clients with affinity, whose size the operator chooses.
pub(super) const CLIENTS: &str = "CLIENTS";

/// Where maps and links are pinned: they outlive the agent there. The version of the map layout is part of the path.
#[derive(Clone, Debug)]
pub struct Pins {
    top: PathBuf,
}

impl Pins {
    /// The pins below `folder`, for this version of the map layout.
    pub fn below(folder: &Path) -> Self {
        Self { top: folder.join(format!("v{}", abi::VERSION)) }
    }

    /// All pins below `folder`, of whatever versions of the map layout.
    pub fn all_below(folder: &Path) -> Vec<Self> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let all = entries.flatten().map(|entry| Self { top: entry.path() });
        all.filter(|pins| pins.version().is_some()).collect()
    }

    /// Those beside these, of other versions of the map layout, by which a program is attached.
    pub fn of_other_versions(&self) -> Vec<Self> {
        let all = Self::all_below(self.top.parent().unwrap_or(&self.top)).into_iter();
        all.filter(|pins| pins.version() != self.version() && !pins.linked().is_empty()).collect()
    }

    /// Version of the map layout.
    pub fn version(&self) -> Option<u32> {
        self.top.file_name()?.to_str()?.strip_prefix('v')?.parse().ok()
    }

    /// The folder that holds them.
    pub fn folder(&self) -> &Path {
        &self.top
    }

    /// Whether they are, or would be, on a BPF file system.
    pub fn are_on_bpffs(&self) -> bool {
        let existing = self.top.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
        statfs(existing).is_ok_and(|found| found.filesystem_type() == BPF_FS_MAGIC)
    }

    /// Whether this process may look at them; there may be none.
    pub fn are_readable(&self) -> bool {
        !fs::read_dir(&self.top).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    }

    /// Folders with the pins of other versions of the map layout.
    pub fn other_layouts(&self) -> Vec<PathBuf> {
        let entries = self.top.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        let is_version = |path: &PathBuf| {
            let version = path.file_name().and_then(|name| name.to_str()?.strip_prefix('v')?.parse::<u32>().ok());
            version.is_some_and(|version| version != abi::VERSION)
        };
        entries.map(|entry| entry.path()).filter(is_version).collect()
    }

    /// Whether a link is pinned for this interface.
    pub fn has_link(&self, interface: &str) -> bool {
        self.link(interface).exists()
    }

    /// Makes the folders.
    ///
    /// # Errors
    /// When the folder is not on a BPF file system or cannot be made.
    pub fn create(&self) -> Result<(), Error> {
        if !self.are_on_bpffs() {
            return Err(Error::NotBpffs { path: self.top.clone() });
        }
        for folder in [self.maps(), self.links()] {
            fs::create_dir_all(&folder).map_err(|source| Error::Pin { path: folder, source })?;
        }
        // Whoever could open the folder could lock it, and keep agents from starting.
        let owner_only = Permissions::from_mode(0o700);
        fs::set_permissions(&self.top, owner_only).map_err(|source| Error::Pin { path: self.top.clone(), source })
    }

    /// Pin of the map with this name.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    /// Pin of the link to this interface.
    pub(super) fn link(&self, interface: &str) -> PathBuf {
        self.links().join(interface.replace('.', DOT))
    }

    /// The interfaces that links are pinned for.
    pub fn linked(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.links()) else { return Vec::new() };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        names.map(|name| name.replace(DOT, ".")).collect()
    }

    /// Removes all pins. The kernel detaches the program and frees the maps as soon as nobody holds them open.
    ///
    /// # Errors
    /// When a pin cannot be removed; those before it are gone.
    pub fn remove(&self) -> Result<(), Error> {
        // Links first: nothing may run over maps that are going away.
        for folder in [self.links(), self.maps(), self.top.clone()] {
            remove_folder(&folder).map_err(|source| Error::Pin { path: folder, source })?;
        }
        if let Some(parent) = self.top.parent() {
            // Another version of the layout may be in use beside this one: then the folder stays.
            let _ = fs::remove_dir(parent);
        }
        Ok(())
    }

    /// Checks a pinned map, if there is one, against what this agent would make: the kernel adopts pins unchecked. Keys are an exception:
    /// nothing is decided by them, so those of another size make way for new ones.
    pub(super) fn check_map(&self, name: &str, wanted: &MapShape) -> Result<(), Error> {
        let path = self.map(name);
        if !path.exists() {
            return Ok(());
        }
        let info = MapData::from_pin(&path)
            .and_then(|map| map.info())
            .map_err(|error| Error::Pin { path: path.clone(), source: std::io::Error::other(error) })?;
        let found = MapShape::of(&info);
        if found == *wanted {
            return Ok(());
        }
        let folder = self.top.parent().unwrap_or(&self.top).to_owned();
        let is_resized = (MapShape { max_entries: wanted.max_entries, ..found }) == *wanted;
        if is_resized && name == KEYS {
            return fs::remove_file(&path).map_err(|source| Error::Pin { path, source });
        }
        if is_resized && let Some(key) = sizing_key(name) {
            let [found, wanted] = [found, wanted.clone()].map(|shape| shape.max_entries * WAYS as u32);
            return Err(Error::TableSize { key, found, wanted, folder });
        }
        Err(Error::Shape { path, found: found.to_string(), wanted: wanted.to_string(), folder })
    }

    fn maps(&self) -> PathBuf {
        self.top.join("maps")
    }

    fn links(&self) -> PathBuf {
        self.top.join("links")
    }
}

/// The key of `[flow-table]` that the map's size comes from.
fn sizing_key(map: &str) -> Option<&'static str> {
    match map {
        FLOWS => Some("flows"),
        CLIENTS => Some("clients"),
        _ => None,
    }
}

fn remove_folder(folder: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        fs::remove_file(entry?.path())?;
    }
    fs::remove_dir(folder)
}

/// What decides whether a map can be adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MapShape {
    pub(super) map_type: u32,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
}

impl MapShape {
    fn of(info: &MapInfo) -> Self {
        Self {
            map_type: info.map_type().map_or(0, |kind| kind as u32),
            key_size: info.key_size(),
            value_size: info.value_size(),
            max_entries: info.max_entries(),
        }
    }
}

impl std::fmt::Display for MapShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { map_type, key_size, value_size, max_entries } = self;
        write!(f, "type {map_type}, keys of {key_size} bytes, values of {value_size} bytes, {max_entries} entries")
    }
}
