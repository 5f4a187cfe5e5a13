//! What is wrong with a text, and on which lines.

use super::{Place, Problem};
use std::collections::btree_map::{BTreeMap, Entry};
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;

/// The problems that were found so far in a text and in the files that it names.
pub(crate) struct Problems {
    path: Arc<Path>,
    lines: Lines,
    found: Vec<Problem>,
}

impl Problems {
    /// None yet in `text`, the content of the file at `path`.
    pub(super) fn of(path: &Path, text: &str) -> Self {
        Self { path: path.into(), lines: Lines::of(text), found: Vec::new() }
    }

    pub(crate) fn add<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        self.add_at(self.place(place), message);
    }

    /// Adds a problem of a place that may be in another file.
    pub(crate) fn add_at(&mut self, place: Place, message: impl Into<String>) {
        self.found.push(Problem { place, message: message.into() });
    }

    /// Adds a problem that leaves nothing to go on with.
    pub(crate) fn reject<T, U>(&mut self, place: &Spanned<T>, message: impl Into<String>) -> Option<U> {
        self.add(place, message);
        None
    }

    /// The line that `place` begins on.
    pub(super) fn line<T>(&self, place: &Spanned<T>) -> usize {
        self.lines.at(place.span().start)
    }

    /// The line that `place` begins on, with its file.
    pub(super) fn place<T>(&self, place: &Spanned<T>) -> Place {
        Place { path: Arc::clone(&self.path), line: self.line(place) }
    }

    /// What came of it all: the value when nothing was wrong, otherwise everything that was, in the order of the lines and
    /// with the configuration's own before those of other files.
    pub(crate) fn outcome<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        let Self { path, mut found, .. } = self;
        match value {
            Some(value) if found.is_empty() => Ok(value),
            _ => {
                found.sort_by_key(|Problem { place, .. }| (place.path != path, place.clone()));
                Err(found)
            }
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }
}

/// The lines of a text, found once: a large configuration asks for the lines of thousands of places.
pub(super) struct Lines {
    /// Where each line ends, in bytes.
    ends: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self { ends: text.match_indices('\n').map(|(offset, _)| offset).collect() }
    }

    /// The line, counted from 1, that the byte at `offset` is on.
    pub(super) fn at(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|&end| end < offset)
    }
}

/// Values that must not come twice, and the line of each.
pub(crate) struct Seen<T>(BTreeMap<T, usize>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Seen<T> {
    /// Adds to `problems` when `value` was seen before; `message` is given the line of the first one.
    pub(crate) fn once<P>(
        &mut self,
        value: T,
        place: &Spanned<P>,
        problems: &mut Problems,
        message: impl FnOnce(usize) -> String,
    ) {
        match self.0.entry(value) {
            Entry::Occupied(first) => problems.add(place, message(*first.get())),
            Entry::Vacant(entry) => {
                entry.insert(problems.line(place));
            }
        }
    }
}
