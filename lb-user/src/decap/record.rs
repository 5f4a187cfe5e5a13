use super::{Change, Error};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What there is to undo, in a file. It is written before anything is changed, so it names too much rather than too little. Like all that it
/// names, it does not outlast a restart of the host: it is below /run.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
}

/// What the file says.
#[derive(Serialize, Deserialize)]
struct Content {
    /// In the order in which they were made.
    changes: Vec<Change>,
}

impl Record {
    /// The record in `folder`, whether there is one or not.
    pub(super) fn within(folder: &Path) -> Self {
        Self { path: folder.join("decap.json") }
    }

    /// What there is to undo, in the order in which it was made.
    pub(super) fn read(&self) -> Result<Vec<Change>, Error> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.map_err(Error::file(&self.path))?,
        };
        let content: Content =
            serde_json::from_slice(&text).map_err(|source| Error::Record { path: self.path.clone(), source })?;
        Ok(content.changes)
    }

    /// Replaces what there is to undo: all at once, so that no crash leaves half of it. With nothing to undo, there is no file.
    pub(super) fn write(&self, changes: &[Change]) -> Result<(), Error> {
        if changes.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => removed.map_err(Error::file(&self.path)),
            };
        }
        let new = self.path.with_extension("new");
        let content = serde_json::to_vec_pretty(&Content { changes: changes.to_vec() });
        let content = content.map_err(|source| Error::Record { path: self.path.clone(), source })?;
        write_private(&new, &content).map_err(Error::file(&new))?;
        fs::rename(&new, &self.path).map_err(Error::file(&self.path))
    }
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::{env, process};

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("handoff-record-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn what_is_written_can_be_read_by_its_owner_until_nothing_is_left() {
        let folder = folder("kept");
        let record = Record::within(&folder);
        assert_eq!(record.read().unwrap(), []);
        let changes = vec![
            Change::Setting { key: "net/ipv4/conf/all/arp_ignore".to_owned(), former: 0, value: 1 },
            Change::Vip { address: "2001:db8::10".parse().unwrap() },
        ];
        record.write(&changes).unwrap();
        assert_eq!(Record::within(&folder).read().unwrap(), changes);
        assert_eq!(fs::metadata(&record.path).unwrap().permissions().mode() & 0o777, 0o600);
        record.write(&[]).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_no_record_is_not_guessed_at() {
        let folder = folder("spoilt");
        fs::write(folder.join("decap.json"), "{}").unwrap();
        let error = Record::within(&folder).read().unwrap_err().to_string();
        assert!(error.contains("decap.json: not a record of what to undo: missing field `changes`"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
