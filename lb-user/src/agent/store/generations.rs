use super::super::Error;
use super::write::replace;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::SystemTime;
use tracing::warn;

/// Generations that are kept.
const KEPT: usize = 20;

/// The texts of the configurations that were applied, by number.
pub(in crate::agent) struct Generations {
    folder: PathBuf,
    numbers: Vec<u64>,
}

impl Generations {
    pub(super) fn open(folder: PathBuf) -> Result<Self, Error> {
        let failed = |source| Error::State { path: folder.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".toml")?.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(Self { folder, numbers })
    }

    /// The number of the one that was applied last; 0 before the first.
    pub(in crate::agent) fn current(&self) -> u64 {
        self.numbers.last().copied().unwrap_or(0)
    }

    /// Whether `text` is the one that was applied last.
    pub(in crate::agent) fn is_current(&self, text: &str) -> bool {
        fs::read_to_string(self.path(self.current())).is_ok_and(|kept| kept == text)
    }

    /// All that are kept, with when each was applied, oldest first.
    pub(in crate::agent) fn list(&self) -> Vec<(u64, Option<SystemTime>)> {
        let applied = |&number: &u64| fs::metadata(self.path(number)).and_then(|file| file.modified()).ok();
        self.numbers.iter().map(|number| (*number, applied(number))).collect()
    }

    /// The text of one: of `number`, or of the one before the current.
    pub(in crate::agent) fn former(&self, number: Option<u64>) -> Result<(u64, String), String> {
        let before = self.numbers.len().checked_sub(2).and_then(|index| self.numbers.get(index)).copied();
        let number = number.or(before).ok_or("there is no earlier generation to go back to")?;
        if !self.numbers.contains(&number) {
            let range = format!("{} to {}", self.numbers.first().unwrap_or(&0), self.current());
            return Err(format!("generation {number} is not kept: {range} are, see `handoff rollback --list`"));
        }
        let path = self.path(number);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((number, text))
    }

    /// Keeps `text` as the next generation, if it differs from the current one; returns its number.
    pub(in crate::agent) fn keep(&mut self, text: &str) -> Result<u64, Error> {
        let current = self.current();
        if self.is_current(text) {
            return Ok(current);
        }
        let (next, path) = (current + 1, self.path(current + 1));
        replace(&path, text.as_bytes()).map_err(|source| Error::State { path, source })?;
        self.numbers.push(next);
        while self.numbers.len() > KEPT {
            let oldest = self.numbers.remove(0);
            if let Err(error) = self.remove(oldest) {
                warn!(%error, path = %self.path(oldest).display(), "an old generation cannot be removed");
            }
        }
        Ok(next)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(self.path(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// The file that one is kept in.
    pub(in crate::agent) fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number}.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn generations_count_up_and_the_oldest_go() {
        let folder = tempdir().expect("a folder");
        let mut generations = Generations::open(folder.path().join("g")).expect("a folder");
        assert_eq!(generations.current(), 0);
        assert!(generations.former(None).is_err());
        for number in 1..=25 {
            assert_eq!(generations.keep(&format!("text {number}")).expect("room"), number);
        }
        assert_eq!(generations.keep("text 25").expect("no change"), 25);
        let reopened = Generations::open(folder.path().join("g")).expect("a folder");
        assert_eq!(reopened.list().len(), KEPT);
        assert_eq!(reopened.former(None), Ok((24, "text 24".to_owned())));
        assert_eq!(reopened.former(Some(6)), Ok((6, "text 6".to_owned())));
        let gone = reopened.former(Some(5)).expect_err("a refusal");
        assert!(gone.starts_with("generation 5 is not kept: 6 to 25 are"), "{gone}");
    }
}
