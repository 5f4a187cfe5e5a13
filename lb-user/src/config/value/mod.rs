//! Single values of the file. Each comes back checked, or not at all and with a problem.

mod network;

use super::check::Checker;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// The longest duration: the clock of the flow table measures up to 104 days.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 3_600);

/// The highest rate: far above what a processor does a second, and far below what the sums of a limiter overflow by.
const HIGHEST_RATE: u32 = 1_000_000_000;

/// Whether services and back-ends can be called that.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=63).contains(&text.len()) && text.chars().all(allowed)
}

/// Which of several kinds was chosen, and by which key.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a, K> {
    /// The table.
    pub(crate) about: &'a str,
    /// The key that chooses.
    pub(crate) key: &'a str,
    /// What it chose.
    pub(crate) chosen: K,
    /// All kinds, as they are called.
    pub(crate) all: &'a [(&'a str, K)],
}

impl Checker<'_> {
    /// Reports a key that means nothing to the kind that was chosen, only to those of `who`.
    pub(crate) fn only_for<K: Copy + PartialEq, T>(
        &mut self,
        choice: Choice<'_, K>,
        who: &[K],
        key: &str,
        value: Option<&Spanned<T>>,
    ) {
        let Choice { about, key: chooser, chosen, all } = choice;
        if let Some(value) = value.filter(|_| !who.contains(&chosen)) {
            let names = all.iter().filter(|(_, kind)| who.contains(kind)).map(|(name, _)| format!("{name:?}"));
            let names = names.collect::<Vec<_>>().join(" or ");
            self.problems.add(value, format!("{about}: {key} is for {chooser} = {names}: remove it"));
        }
    }

    pub(crate) fn name(&mut self, about: &str, name: &Spanned<String>) -> Option<String> {
        let text = name.get_ref();
        if !is_name(text) {
            let message = format!("{about}: a name has 1 to 63 letters, digits, '-', '_' or '.'");
            return self.problems.reject(name, message);
        }
        Some(text.clone())
    }

    pub(crate) fn path(&mut self, key: &str, text: &Spanned<String>, example: &str) -> Option<PathBuf> {
        let path = PathBuf::from(text.get_ref());
        if !path.is_absolute() {
            return self.problems.reject(text, format!("{key} {path:?} is not an absolute path, as {example}"));
        }
        Some(path)
    }

    /// A program and its arguments.
    pub(crate) fn command(
        &mut self,
        key: &str,
        command: &Spanned<Vec<Spanned<String>>>,
        example: &str,
    ) -> Option<Vec<String>> {
        let words: Vec<String> = command.get_ref().iter().map(|word| word.get_ref().clone()).collect();
        let is_program = words.first().is_some_and(|program| Path::new(program).is_absolute());
        if !is_program || words.iter().any(|word| word.contains('\0')) {
            let message = format!("{key} must begin with the absolute path of a program, as {example}");
            return self.problems.reject(command, message);
        }
        Some(words)
    }

    pub(crate) fn path_or(&mut self, default: &str, key: &str, text: Option<&Spanned<String>>) -> Option<PathBuf> {
        match text {
            None => Some(PathBuf::from(default)),
            Some(text) => self.path(key, text, default),
        }
    }

    pub(crate) fn duration(&mut self, key: &str, text: &Spanned<String>, shortest: Duration) -> Option<Duration> {
        let Ok(duration) = humantime::parse_duration(text.get_ref()) else {
            let message = format!("{key} {:?} is not a duration, as 90s, 15m or 1h", text.get_ref());
            return self.problems.reject(text, message);
        };
        if !(shortest..=LONGEST).contains(&duration) {
            let shortest = humantime::format_duration(shortest);
            let message = format!("{key} {:?} is out of range: use {shortest} to 90days", text.get_ref());
            return self.problems.reject(text, message);
        }
        Some(duration)
    }

    /// A whole number in `range`.
    pub(super) fn whole<T>(&mut self, key: &str, number: &Spanned<i64>, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        match T::try_from(*number.get_ref()) {
            Ok(checked) if range.contains(&checked) => Some(checked),
            _ => {
                let (least, most) = range.into_inner();
                self.problems.reject(number, format!("{key} {} cannot be: use {least} to {most}", number.get_ref()))
            }
        }
    }

    pub(super) fn whole_or<T>(
        &mut self,
        default: T,
        key: &str,
        number: Option<&Spanned<i64>>,
        range: RangeInclusive<T>,
    ) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        match number {
            None => Some(default),
            Some(number) => self.whole(key, number, range),
        }
    }

    /// How often something may happen in a second, or that it may happen any time.
    pub(super) fn rate(&mut self, key: &str, rate: Option<&Spanned<i64>>) -> Option<Option<u32>> {
        match rate {
            None => Some(None),
            Some(rate) => self.whole(key, rate, 1..=HIGHEST_RATE).map(Some),
        }
    }

    pub(super) fn power_of_two(
        &mut self,
        key: &str,
        number: Option<&Spanned<i64>>,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> Option<u32> {
        let Some(number) = number else {
            return Some(default);
        };
        match u32::try_from(*number.get_ref()) {
            Ok(checked) if checked.is_power_of_two() && range.contains(&checked) => Some(checked),
            _ => {
                let (least, most) = range.into_inner();
                let number_given = number.get_ref();
                let message =
                    format!("{key} {number_given} cannot be: use a power of two from {least} to {most}, as {default}");
                self.problems.reject(number, message)
            }
        }
    }

    /// One of `choices` by its name, the first one without any.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &str,
        text: Option<&Spanned<String>>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let Some(text) = text else {
            return choices.first().map(|&(_, default)| default);
        };
        if let Some(&(_, choice)) = choices.iter().find(|(name, _)| name == text.get_ref()) {
            return Some(choice);
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        let message = format!("{key} {:?} is not known: use {}", text.get_ref(), names.join(" or "));
        self.problems.reject(text, message)
    }
}
