use crate::lab::Error;
use serde::Serialize;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

/// A report for programs, in a file that is either whole or not there.
#[derive(Debug)]
pub struct JsonFile {
    path: PathBuf,
    /// In the same folder, so that moving it is one step.
    draft: PathBuf,
}

impl JsonFile {
    /// Makes sure that the file at `path` can be written, before anyone waits for what is to be in it.
    ///
    /// # Errors
    /// When it cannot.
    pub fn at(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Report { path: path.to_owned(), source };
        // What a symbolic link leads to is to be replaced, not the link.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let replaceable = !path.exists() || path.is_file();
        let name = path.file_name().filter(|_| replaceable).ok_or_else(|| failed(io::Error::other("not a file")))?;
        let mut draft = OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}", process::id()));
        let draft = path.with_file_name(draft);
        File::create_new(&draft).and_then(|_| fs::remove_file(&draft)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), draft })
    }

    /// Writes `report`.
    ///
    /// # Errors
    /// When the file cannot be written; an older one is still as it was.
    pub fn write(&self, report: &impl Serialize) -> Result<(), Error> {
        let write = || {
            let mut file = File::create_new(&self.draft)?;
            serde_json::to_writer_pretty(&mut file, report)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&self.draft, &self.path)
        };
        write().map_err(|error| {
            // It may be what could not be made.
            let _ = fs::remove_file(&self.draft);
            Error::Report { path: self.path.clone(), source: error }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::report::tests::report;
    use std::env;

    fn folder(name: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("handoff-json-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn nothing_but_the_report_is_left() {
        let folder = folder("whole");
        let file = folder.join("out.json");
        JsonFile::at(&file).unwrap().write(&report()).unwrap();
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["out.json"]);
        let written: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        assert_eq!(written["requests"]["ok"], 4_500);
        assert_eq!(written["backends"][2]["name"], "server-3");
        for key in ["name", "address", "new_flows", "packets", "bytes", "share"] {
            assert!(!written["backends"][0][key].is_null(), "{key}");
        }
        assert_eq!(written["fairness"]["max_over_mean"], 1.0);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_at_once() {
        let folder = folder("not");
        let missing = folder.join("missing").join("out.json");
        let error = JsonFile::at(&missing).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{}: cannot write the report: No such file or directory (os error 2); \
                 name a file in a folder that exists with --json",
                missing.display()
            )
        );
        let error = JsonFile::at(&folder).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: cannot write the report: not a file;", folder.display())));
        fs::remove_dir_all(folder).unwrap();
    }
}
