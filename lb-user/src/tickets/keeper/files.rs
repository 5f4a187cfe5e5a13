//! What the keeper writes: rings on tmpfs, terms and the audit log on disk.

use super::record::Record;
use crate::tickets::stored::Kept;
use crate::tickets::{BootTime, Folder, RingName};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where it writes.
pub(super) struct Files {
    /// The folder for rings; `None` when they stay in memory alone.
    folder: Option<Folder>,
    terms: PathBuf,
    audit: PathBuf,
}

/// What cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    pub(super) fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }
}

impl Files {
    /// Writes below the agent's state folder, and rings to `folder`.
    pub(super) fn new(state_folder: &Path, folder: Option<Folder>) -> Self {
        let [terms, audit] = ["ticket-terms.json", "ticket-audit.jsonl"].map(|name| state_folder.join(name));
        Self { folder, terms, audit }
    }

    /// The ring that an agent before has left; `None` when there is none that could be used.
    pub(super) fn ring(&self, name: &RingName, now: BootTime) -> Option<Kept> {
        let text = self.folder.as_ref()?.read(&file_name(name)).ok()??;
        Kept::from_text(name, &text, now)
            .inspect_err(
                |reason| tracing::warn!(ring = %name, %reason, "the ring that was kept cannot be used: it begins anew"),
            )
            .ok()
    }

    /// Keeps a ring.
    pub(super) fn keep_ring(&self, name: &RingName, kept: &Kept, now: BootTime) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let text = kept.to_text(name, now).map_err(|error| error.to_string())?;
        folder.write(&file_name(name), &text).map_err(|error| error.to_string())
    }

    /// Destroys what was kept of a ring.
    pub(super) fn wipe_ring(&self, name: &RingName) -> Result<(), String> {
        let Some(folder) = &self.folder else { return Ok(()) };
        folder.wipe(&file_name(name)).map_err(|error| error.to_string())
    }

    /// The highest terms that were kept.
    pub(super) fn terms(&self) -> Result<BTreeMap<RingName, u64>, FileError> {
        let failed = |source| FileError { path: self.terms.clone(), source };
        match fs::read(&self.terms) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Destroys what was kept of rings that are no more.
    pub(super) fn wipe_others(&self, is_there: impl Fn(&RingName) -> bool) {
        let Some(folder) = &self.folder else { return };
        let ring = |file: &String| RingName::try_from(file.strip_suffix(".json")?.to_owned()).ok();
        for name in folder.names().iter().filter_map(ring).filter(|name| !is_there(name)) {
            if let Err(error) = self.wipe_ring(&name) {
                tracing::warn!(ring = %name, %error, "a ring that is no more cannot be destroyed");
            }
        }
    }

    /// Keeps the highest terms.
    pub(super) fn keep_terms(&self, terms: &BTreeMap<RingName, u64>) -> Result<(), FileError> {
        let failed = |source| FileError { path: self.terms.clone(), source };
        let text = serde_json::to_vec(terms).map_err(|error| failed(error.into()))?;
        crate::agent::replace_file(&self.terms, &text).map_err(failed)
    }

    /// Adds to the audit log. It is opened each time: whoever rotates it may take it away.
    pub(super) fn write_down(&self, records: &[Record]) -> Result<(), FileError> {
        if records.is_empty() {
            return Ok(());
        }
        let failed = |source| FileError { path: self.audit.clone(), source };
        let ts = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, &Line { ts: &ts, record }).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o640).open(&self.audit).map_err(failed)?;
        file.write_all(&lines).map_err(failed)
    }
}

#[derive(Serialize)]
struct Line<'a> {
    ts: &'a str,
    #[serde(flatten)]
    record: &'a Record,
}

fn file_name(name: &RingName) -> String {
    format!("{name}.json")
}
