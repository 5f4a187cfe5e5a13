//! The files that a configuration names.

use nix::fcntl::OFlag;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// What the check asks of the system.
pub(crate) trait Files {
    /// The text of the file at `path`; what is not UTF-8 in it is replaced.
    fn text(&self, path: &Path) -> io::Result<String>;

    /// The file at `path`, which holds a secret.
    fn secret(&self, path: &Path) -> io::Result<Secret>;
}

/// A file that holds a secret.
pub(crate) struct Secret {
    /// Who may do what with the file, as `chmod` takes it.
    pub(crate) mode: u32,
    /// What it says.
    pub(crate) text: Zeroizing<String>,
}

/// The files of this machine.
pub(crate) struct Disk;

impl Files for Disk {
    fn text(&self, path: &Path) -> io::Result<String> {
        let mut bytes = Vec::new();
        open_regular(path)?.0.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn secret(&self, path: &Path) -> io::Result<Secret> {
        let (mut file, metadata) = open_regular(path)?;
        let mut text = Zeroizing::new(String::new());
        // The size of the file is known, so this takes room for all of it at once and leaves no copies behind.
        file.read_to_string(&mut text)?;
        Ok(Secret { mode: metadata.permissions().mode() & 0o7777, text })
    }
}

/// Most bytes of a configuration.
const LARGEST: u64 = 16 << 20;

/// The text of a configuration.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let (file, metadata) = open_regular(path)?;
    if metadata.len() > LARGEST {
        return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
    }
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// Opens a regular file: anything else could keep the reader waiting, or go on for ever.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, Metadata)> {
    // Without this, opening a pipe waits for somebody to write into it.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(io::Error::other("it is not a regular file")) }
}
