use super::{Error, StreamBlock};
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// When another file is begun, and how many there are to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// When the file would have more bytes than this.
    pub size: Option<u64>,
    /// When it is as old as this.
    pub age: Option<Duration>,
    /// How many files are kept; all, unless said.
    pub keep: Option<usize>,
}

/// A pcapng file that is written block by block, or several after each other: `capture.pcapng`, `capture-1.pcapng`, `capture-2.pcapng` and so on.
/// Each can be read by itself.
pub struct Files {
    path: PathBuf,
    rotation: Rotation,
    /// What every file begins with: the section header, and the interfaces so far.
    preamble: Vec<u8>,
    written: Vec<PathBuf>,
    number: u64,
    current: Current,
}

struct Current {
    file: BufWriter<File>,
    bytes: u64,
    since: Instant,
}

impl Files {
    /// Begins the first file, which only its owner and group may read.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path, rotation: Rotation, now: Instant) -> Result<Self, Error> {
        let current = Current::create(path, now)?;
        let written = vec![path.to_owned()];
        Ok(Self { path: path.to_owned(), rotation, preamble: Vec::new(), written, number: 0, current })
    }

    /// Adds a block of a capture; a packet that no longer fits begins another file.
    ///
    /// # Errors
    /// When a file cannot be made or written.
    pub fn add(&mut self, block: &StreamBlock, now: Instant) -> Result<(), Error> {
        if block.packet.is_none() {
            self.preamble.extend_from_slice(&block.bytes);
        } else if self.is_over(block.bytes.len() as u64, now) {
            self.rotate(now)?;
        }
        self.write(&block.bytes)
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// When that fails.
    pub fn flush(&mut self) -> Result<(), Error> {
        let done = self.current.file.flush();
        done.map_err(|error| failed(&self.written[self.written.len() - 1], &error))
    }

    /// A file has one packet at least, whatever its bounds.
    fn is_over(&self, more: u64, now: Instant) -> bool {
        let Current { bytes, since, .. } = self.current;
        bytes > self.preamble.len() as u64
            && (self.rotation.size.is_some_and(|size| bytes + more > size)
                || self.rotation.age.is_some_and(|age| now.duration_since(since) >= age))
    }

    /// What was in the file before stays until there is something to write: a capture may be refused.
    fn empty(&self) -> Result<(), Error> {
        let file = self.current.file.get_ref();
        let is_regular = file.metadata().is_ok_and(|file| file.is_file());
        let done = if is_regular { file.set_len(0) } else { Ok(()) };
        done.map_err(|error| failed(&self.written[self.written.len() - 1], &error))
    }

    fn rotate(&mut self, now: Instant) -> Result<(), Error> {
        self.flush()?;
        self.number += 1;
        let path = numbered(&self.path, self.number);
        self.current = Current::create(&path, now)?;
        self.written.push(path);
        let surplus = self.rotation.keep.map_or(0, |keep| self.written.len().saturating_sub(keep.max(1)));
        for old in self.written.drain(..surplus) {
            // Whoever reads it may have taken it away.
            if let Err(error) = fs::remove_file(&old)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(failed(&old, &error));
            }
        }
        let preamble = std::mem::take(&mut self.preamble);
        let done = self.write(&preamble);
        self.preamble = preamble;
        done
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.current.bytes == 0 {
            self.empty()?;
        }
        self.current.bytes += bytes.len() as u64;
        let done = self.current.file.write_all(bytes);
        done.map_err(|error| failed(&self.written[self.written.len() - 1], &error))
    }
}

impl Current {
    fn create(path: &Path, now: Instant) -> Result<Self, Error> {
        let file = packet_file(path).map_err(|error| failed(path, &error))?;
        Ok(Self { file: BufWriter::new(file), bytes: 0, since: now })
    }
}

/// Opens a file for packets as it is, or makes it: only its owner and group may read what clients have sent.
pub(super) fn packet_file(path: &Path) -> io::Result<File> {
    const MODE: u32 = 0o640;
    let file = File::options().create(true).write(true).truncate(false).mode(MODE).open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(MODE))?;
    }
    Ok(file)
}

/// `capture.pcapng` with a number is `capture-7.pcapng`.
fn numbered(path: &Path, number: u64) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::File { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::StreamPacket;
    use std::time::UNIX_EPOCH;

    fn header(bytes: &[u8]) -> StreamBlock {
        StreamBlock { packet: None, bytes: bytes.to_vec() }
    }

    fn packet(bytes: &[u8]) -> StreamBlock {
        let packet = StreamPacket {
            at: UNIX_EPOCH,
            interface: "eth0:in".to_owned(),
            number: 1,
            decision: None,
            missed: 0,
            data: Vec::new(),
            len: 0,
        };
        StreamBlock { packet: Some(packet), bytes: bytes.to_vec() }
    }

    /// What is in the files `name` of a folder, after writing these blocks a second apart.
    fn written(rotation: Rotation, blocks: &[StreamBlock]) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let mut files = Files::create(&folder.path().join("a.pcapng"), rotation, start).unwrap();
        for (second, block) in blocks.iter().enumerate() {
            files.add(block, start + Duration::from_secs(second as u64)).unwrap();
        }
        files.flush().unwrap();
        let mut found: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        found.sort();
        found
    }

    fn file(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn every_file_begins_with_the_headers_so_far() {
        let blocks = [header(b"S"), header(b"I"), packet(b"aaa"), packet(b"bbb"), header(b"J"), packet(b"ccc")];
        assert_eq!(written(Rotation::default(), &blocks), [file("a.pcapng", "SIaaabbbJccc")]);
        let by_size = Rotation { size: Some(6), ..Rotation::default() };
        let three = [file("a-1.pcapng", "SIbbbJ"), file("a-2.pcapng", "SIJccc"), file("a.pcapng", "SIaaa")];
        assert_eq!(written(by_size, &blocks), three);
        let by_age = Rotation { age: Some(Duration::from_secs(4)), ..Rotation::default() };
        assert_eq!(written(by_age, &blocks), [file("a-1.pcapng", "SIJccc"), file("a.pcapng", "SIaaabbbJ")]);
    }

    #[test]
    fn only_so_many_are_kept_and_none_is_empty() {
        let blocks = [header(b"S"), packet(b"a"), packet(b"b"), packet(b"c")];
        let rotation = Rotation { size: Some(1), keep: Some(2), ..Rotation::default() };
        assert_eq!(written(rotation, &blocks), [file("a-1.pcapng", "Sb"), file("a-2.pcapng", "Sc")]);
    }

    #[test]
    fn a_file_that_is_there_is_kept_until_there_is_something_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcapng");
        fs::write(&path, "an earlier capture").unwrap();
        let mut files = Files::create(&path, Rotation::default(), Instant::now()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "an earlier capture");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        files.add(&header(b"S"), Instant::now()).unwrap();
        files.flush().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "S");
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let path = Path::new("/nonexistent/a.pcapng");
        let error = Files::create(path, Rotation::default(), Instant::now()).err().expect("no folder");
        assert!(error.to_string().starts_with("/nonexistent/a.pcapng: cannot write"), "{error}");
    }
}
