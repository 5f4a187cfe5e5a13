//! Reports as one HTML file each, which shows and prints the same everywhere: it refers to nothing outside itself.
//!
//! | file | what it does |
//! |---|---|
//! | `page` | what every report is written on |
//! | `bars` | a graph of bars |
//! | `lines` | a graph of how values went |
//! | `sessions` | what the experiment about sessions found out |
//! | `traffic` | an agent's traffic, as it is and as it went |

mod bars;
mod lines;
mod page;
mod sessions;
mod traffic;

use crate::control::types::{History, Snapshot};
use crate::lab::sessions::SessionsReport;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes. A report of the experiment has a few thousand.
const LONGEST: u64 = 1 << 20;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error(
        "{}: not a report of an experiment: {source}; make one with `handoff lab --experiment sessions --json FILE`",
        path.display()
    )]
    NotAReport {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The page cannot be written.
    #[error("{}: cannot write the page: {source}; name a file in a folder that exists with --output", path.display())]
    Write {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes to `page` what the report in the file at `path` says, which `handoff lab --experiment sessions --json` has written.
///
/// # Errors
/// When the file cannot be read, or is something else, or the page cannot be written.
pub fn write_page(path: &Path, page: &Path) -> Result<(), Error> {
    write(page, &of_file(path)?)
}

/// Writes to `page` how an agent's traffic is, and how it went if a history is kept.
///
/// # Errors
/// When the page cannot be written.
pub fn write_traffic_page(snapshot: &Snapshot, history: Option<&History>, page: &Path) -> Result<(), Error> {
    write(page, &traffic::page(snapshot, history))
}

fn write(page: &Path, text: &str) -> Result<(), Error> {
    fs::write(page, text).map_err(|source| Error::Write { path: page.to_owned(), source })
}

fn of_file(path: &Path) -> Result<String, Error> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    read.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    // What was cut off is no JSON.
    let report: SessionsReport =
        serde_json::from_slice(&text).map_err(|source| Error::NotAReport { path: path.to_owned(), source })?;
    Ok(sessions::page(&report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::sessions::tests::report;

    #[test]
    fn a_file_becomes_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessions.json");
        fs::write(&file, serde_json::to_string(&report()).unwrap()).unwrap();
        let page = folder.path().join("page.html");
        write_page(&file, &page).unwrap();
        assert!(fs::read_to_string(page).unwrap().starts_with("<!DOCTYPE html>"));
        let missing = write_page(&file, &folder.path().join("missing/page.html")).unwrap_err().to_string();
        assert!(missing.contains("page.html: cannot write the page: No such file or directory"), "{missing}");
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("other.json");
        let refused = || of_file(&file).unwrap_err().to_string();
        assert!(refused().ends_with("other.json: No such file or directory (os error 2)"));
        for text in ["", "{}", r#"{"experiment": "balance"}"#, &" ".repeat(2 << 20)] {
            fs::write(&file, text).unwrap();
            assert!(refused().contains("other.json: not a report of an experiment: "), "{}", refused());
        }
    }
}
