//! What is wrong with a text, and on which lines.

use super::Problem;
use std::collections::btree_map::{BTreeMap, Entry};
use toml::Spanned;

/// The problems that were found in a text so far.
pub(super) struct Problems {
    lines: Lines,
    found: Vec<Problem>,
}

impl Problems {
    pub(super) fn of(text: &str) -> Self {
        Self { lines: Lines::of(text), found: Vec::new() }
    }

    pub(super) fn add<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        self.found.push(Problem { line: self.line(place), message: message.into() });
    }

    /// Adds a problem that leaves nothing to go on with.
    pub(super) fn reject<T, U>(&mut self, place: &Spanned<T>, message: impl Into<String>) -> Option<U> {
        self.add(place, message);
        None
    }

    /// The line that `place` begins on.
    pub(super) fn line<T>(&self, place: &Spanned<T>) -> usize {
        self.lines.at(place.span().start)
    }

    /// What came of it all: the value when nothing was wrong, otherwise everything that was, in the order of the lines.
    pub(super) fn outcome<T>(mut self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => {
                self.found.sort_by_key(|problem| problem.line);
                Err(self.found)
            }
        }
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
pub(super) struct Seen<T>(BTreeMap<T, usize>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Seen<T> {
    /// Adds to `problems` when `value` was seen before; `message` is given the line of the first one.
    pub(super) fn once<P>(
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
