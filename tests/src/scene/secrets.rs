use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Secrets in every form that they could leak in: as they are, in base64 and in hexadecimal.
pub struct Secrets {
    forms: AhoCorasick,
    /// Of each form, by its number.
    names: Vec<String>,
}

impl Secrets {
    /// Secrets and what they are called.
    ///
    /// # Errors
    /// When one is so short that it would be found by chance.
    pub fn new(secrets: &[(&str, &[u8])]) -> Result<Self> {
        let mut patterns = Vec::new();
        let mut names = Vec::new();
        for (name, secret) in secrets {
            ensure!(secret.len() >= 16, "{name}: too short to be told from chance");
            for (form, pattern) in forms(secret) {
                names.push(format!("{name}, {form}"));
                patterns.push(pattern);
            }
        }
        let builder = &mut AhoCorasick::builder();
        // Streams can be searched in this way only; the automaton of a few patterns is small.
        let forms = builder.match_kind(MatchKind::Standard).kind(Some(AhoCorasickKind::DFA)).build(patterns)?;
        Ok(Self { forms, names })
    }

    /// The secrets in what `stream` gives, each with its form.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn within(&self, stream: impl Read) -> Result<BTreeSet<String>> {
        let matches = self.forms.stream_find_iter(stream);
        matches.map(|found| Ok(self.names[found?.pattern().as_usize()].clone())).collect()
    }

    /// The files at or below `places` that hold a secret, with what they hold.
    ///
    /// # Errors
    /// When one cannot be read, or when there is none at all in one of the places: then nothing would have been looked at.
    pub fn in_files(&self, places: &[&Path]) -> Result<Vec<(PathBuf, String)>> {
        let mut found = Vec::new();
        for place in places {
            let files = files(place)?;
            ensure!(!files.is_empty(), "{}: there is no file to look into", place.display());
            for path in files {
                let about = || path.display().to_string();
                let secrets = File::open(&path).map_err(Into::into).and_then(|file| self.within(file));
                found.extend(secrets.with_context(about)?.into_iter().map(|secret| (path.clone(), secret)));
            }
        }
        Ok(found)
    }
}

/// A secret as it is and as text, whatever is around it.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![
        ("as it is", secret.to_vec()),
        ("in hexadecimal", hex::encode(secret).into_bytes()),
        ("in hexadecimal", hex::encode_upper(secret).into_bytes()),
    ];
    // Base64 looks different with one or two bytes before it; the digits at both ends depend on what is around as well.
    for before in 0..3 {
        let padded = [&vec![0; before], secret].concat();
        let whole = padded.len() / 3 * 4;
        let own = usize::from(before > 0) * 4..whole;
        for engine in [&STANDARD, &URL_SAFE] {
            forms.push(("in base64", engine.encode(&padded).as_bytes()[own.clone()].to_vec()));
        }
    }
    forms
}

/// The regular files at or below a place.
fn files(place: &Path) -> Result<Vec<PathBuf>> {
    let kind = fs::symlink_metadata(place).with_context(|| place.display().to_string())?.file_type();
    if !kind.is_dir() {
        return Ok(if kind.is_file() { vec![place.to_owned()] } else { Vec::new() });
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(place).with_context(|| place.display().to_string())? {
        found.extend(files(&entry?.path())?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form_and_wherever_it_is() {
        let key: [u8; 32] = rand::random();
        let secrets = Secrets::new(&[("key", &key)]).unwrap();
        let found = |text: &[u8]| secrets.within(text).unwrap();
        assert_eq!(found(&[&[7; 100_000], &key[..], &[7; 3]].concat()), ["key, as it is".to_owned()].into());
        for before in 0..4 {
            for after in 0..4 {
                let around = [&vec![0xa5; before], &key[..], &vec![0x5a; after]].concat();
                for text in [STANDARD.encode(&around), URL_SAFE.encode(&around)] {
                    assert_eq!(found(text.as_bytes()), ["key, in base64".to_owned()].into(), "{before} {after}");
                }
                assert_eq!(found(hex::encode(&around).as_bytes()), ["key, in hexadecimal".to_owned()].into());
            }
        }
        assert!(found(&key[..31]).is_empty() && found(&[]).is_empty());
    }

    #[test]
    fn files_are_searched_at_any_depth_and_none_is_no_answer() {
        let key: [u8; 32] = rand::random();
        let secrets = Secrets::new(&[("key", &key)]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        assert!(secrets.in_files(&[folder.path()]).is_err());
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(folder.path().join("log"), "nothing here").unwrap();
        assert_eq!(secrets.in_files(&[folder.path()]).unwrap(), []);
        fs::write(deep.join("log"), format!("key={}\n", hex::encode(key))).unwrap();
        let found = [(deep.join("log"), "key, in hexadecimal".to_owned())];
        assert_eq!(secrets.in_files(&[folder.path()]).unwrap(), found);
        assert!(Secrets::new(&[("short", &key[..8])]).is_err());
    }
}
