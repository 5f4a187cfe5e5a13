//! The file of the history: one row a minute has the means of all series, for a week; another has their seconds, for an hour.

use super::history_rows::{Means, SecondsOfSeries};
use crate::analysis::history::{HOUR, Key, MINUTE, MinuteValues, Past, WEEK};
use redb::backends::FileBackend;
use redb::{Database, Error, ReadableDatabase, ReadableTable, TableDefinition};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What the rows are like.
pub(super) const SCHEMA: u64 = 1;
/// Memory for pages of the file.
const CACHE: usize = 4 << 20;

pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
/// Numbers of series, by their keys as JSON.
const SERIES: TableDefinition<'_, &str, u32> = TableDefinition::new("series");
/// By minutes since 1970.
pub(super) const MEANS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("means");
/// Likewise.
pub(super) const SECONDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("seconds");

/// What is known of a minute: of each series the mean, and the seconds.
pub(super) struct Minute {
    pub(super) minute: u64,
    pub(super) series: Vec<(Key, f32, MinuteValues)>,
}

/// The open file, and the series in it.
pub(super) struct File {
    pub(super) database: Database,
    pub(super) series: BTreeMap<Key, Filed>,
}

/// What rows call a series.
pub(super) struct Filed {
    pub(super) number: u32,
    /// No row is of a later minute.
    last_minute: u64,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        // What operators may see, and nobody else: the folder need not be the agent's own.
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let database = Database::builder().set_cache_size(CACHE).create_with_backend(FileBackend::new(file)?)?;
        let begun = database.begin_write()?;
        let is_new = begun.list_tables()?.next().is_none();
        let mut series = BTreeMap::new();
        {
            let mut about = begun.open_table(ABOUT)?;
            if is_new {
                about.insert("schema", SCHEMA)?;
            }
            let schema = about.get("schema")?.map(|schema| schema.value());
            if schema != Some(SCHEMA) {
                return Err(Error::Corrupted(format!("its rows are of kind {schema:?}, not {SCHEMA}")));
            }
            let mut last_minutes = BTreeMap::new();
            for entry in begun.open_table(MEANS)?.iter()? {
                let (minute, row) = entry?;
                last_minutes.extend(Means::of(row.value()).map(|(number, _)| (number, minute.value())));
            }
            for entry in begun.open_table(SERIES)?.iter()? {
                let (name, number) = entry?;
                let key = serde_json::from_str(name.value()).map_err(|error| Error::Corrupted(error.to_string()))?;
                let number = number.value();
                let last_minute = last_minutes.get(&number).copied().unwrap_or(0);
                series.insert(key, Filed { number, last_minute });
            }
            begun.open_table(SECONDS)?;
        }
        begun.commit()?;
        Ok(Self { database, series })
    }

    /// Puts back what the file has.
    pub(super) fn read(&self, past: &mut Past) -> Result<(), Error> {
        let keys: BTreeMap<u32, &Key> = self.series.iter().map(|(key, filed)| (filed.number, key)).collect();
        let begun = self.database.begin_read()?;
        let this_minute = past.now() / MINUTE as u64;
        for entry in begun.open_table(MEANS)?.range(this_minute.saturating_sub(WEEK)..=this_minute)? {
            let (minute, row) = entry?;
            for (number, mean) in Means::of(row.value()) {
                if let Some(&key) = keys.get(&number) {
                    past.restore_mean(key, minute.value(), mean);
                }
            }
        }
        let hour = HOUR / MINUTE as u64;
        for entry in begun.open_table(SECONDS)?.range(this_minute.saturating_sub(hour)..=this_minute)? {
            let (minute, row) = entry?;
            for (number, seconds) in SecondsOfSeries::of(row.value()) {
                if let Some(&key) = keys.get(&number) {
                    past.restore_seconds(key, minute.value(), &seconds);
                }
            }
        }
        Ok(())
    }

    /// Adds a minute, and removes what is too old, or from a time that has not come yet.
    pub(super) fn write(&mut self, Minute { minute, series }: &Minute) -> Result<(), Error> {
        let begun = self.database.begin_write()?;
        let (mut means, mut seconds) = (Means::default(), SecondsOfSeries::default());
        {
            let mut table = begun.open_table(SERIES)?;
            // Without a row, a number is free again.
            for (key, _) in self.series.extract_if(.., |_, filed| minute.saturating_sub(filed.last_minute) >= WEEK) {
                table.remove(name(&key)?.as_str())?;
            }
            for (key, mean, values) in series {
                let number = match self.series.get(key) {
                    Some(filed) => filed.number,
                    None => {
                        let number = self.series.values().map(|filed| filed.number + 1).max().unwrap_or(0);
                        table.insert(name(key)?.as_str(), number)?;
                        number
                    }
                };
                self.series.insert(key.clone(), Filed { number, last_minute: *minute });
                means.push(number, *mean);
                seconds.push(number, values);
            }
        }
        for (table, row, kept) in [(MEANS, means.bytes(), WEEK), (SECONDS, seconds.bytes(), HOUR / MINUTE as u64)] {
            let mut table = begun.open_table(table)?;
            table.insert(minute, row)?;
            table.retain_in(..(minute + 1).saturating_sub(kept), |_, _| false)?;
            table.retain_in(minute + 1.., |_, _| false)?;
        }
        begun.commit()?;
        Ok(())
    }
}

/// What the file calls a series.
fn name(key: &Key) -> Result<String, Error> {
    serde_json::to_string(key).map_err(|error| Error::Corrupted(error.to_string()))
}
