//! The history on disk, in the hands of a thread of its own: a slow or full disk keeps nobody waiting. A file that is damaged, or somebody
//! else's, is set aside.

use super::history_tables::{File, Minute};
use crate::analysis::history::Past;
use redb::Error;
use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;
use tracing::{info, warn};

/// Its name in the state folder.
const NAME: &str = "history.redb";
/// Minutes that wait for a slow disk.
const WAITING: usize = 4;
/// How long the end waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// The way to the thread.
pub(super) struct HistoryFile {
    loaded: Receiver<Past>,
    minutes: SyncSender<Minute>,
}

impl HistoryFile {
    /// Begins to read the file in `folder`, at the second `now`, for a past of so many series.
    pub(super) fn open(folder: &Path, capacity: usize, now: u64) -> Self {
        let (past, loaded) = channel();
        let (minutes, filed) = sync_channel(WAITING);
        let path = folder.join(NAME);
        let keep = move || Keeper::open(path, Past::new(capacity, now), &past).run(&filed);
        if let Err(error) = thread::Builder::new().name("history".to_owned()).spawn(keep) {
            warn!(%error, "no history is kept: no thread can be started");
        }
        Self { loaded, minutes }
    }

    /// What was read, once.
    pub(super) fn loaded(&self) -> Option<Past> {
        self.loaded.try_recv().ok()
    }

    /// Has a minute written.
    pub(super) fn write(&self, minute: Minute) {
        match self.minutes.try_send(minute) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => warn!("the disk is too slow for the history: a minute of it is lost"),
            Err(TrySendError::Disconnected(_)) => warn!("the history is not kept on disk any more: restart the agent"),
        }
    }

    /// Has the last minute written, and waits until it is, but not for long.
    pub(super) fn end(self, minute: Minute) {
        self.write(minute);
        drop(self.minutes);
        // Nothing more comes: the thread hangs up when it is done.
        let _ = self.loaded.recv_timeout(PATIENCE);
    }
}

/// The thread's side.
struct Keeper {
    path: PathBuf,
    /// `None` after an error: it is opened again for the next minute.
    file: Option<File>,
    has_failed: bool,
}

impl Keeper {
    fn open(path: PathBuf, mut past: Past, loaded: &Sender<Past>) -> Self {
        let mut keeper = Self { path, file: None, has_failed: false };
        let opened = keeper.load(&mut past);
        keeper.note(&opened);
        // The agent may have ended by now.
        let _ = loaded.send(past);
        keeper
    }

    fn run(mut self, minutes: &Receiver<Minute>) {
        for minute in minutes {
            let written = self.write(&minute);
            self.note(&written);
        }
    }

    /// Opens the file and reads what it has, or sets it aside and begins another.
    fn load(&mut self, past: &mut Past) -> Result<(), Error> {
        // The library does not expect some kinds of damage.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let file = File::open(&self.path)?;
            file.read(past).map(|()| file)
        }));
        let reason = match read {
            Ok(Ok(file)) => {
                self.file = Some(file);
                return Ok(());
            }
            Ok(Err(error)) if !is_damage(&error) => return Err(error),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it makes no sense".to_owned(),
        };
        let aside = self.path.with_extension("redb.damaged");
        fs::rename(&self.path, &aside)?;
        warn!(path = %self.path.display(), %reason, aside = %aside.display(), "the history cannot be read and was set aside: it begins anew");
        self.file = Some(File::open(&self.path)?);
        Ok(())
    }

    fn write(&mut self, minute: &Minute) -> Result<(), Error> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => File::open(&self.path)?,
        };
        file.write(minute)?;
        self.file = Some(file);
        Ok(())
    }

    /// Says when it begins to fail, and when that is over.
    fn note(&mut self, done: &Result<(), Error>) {
        let path = self.path.display();
        match done {
            Err(error) if !self.has_failed => {
                warn!(%error, %path, "the history is kept in memory only: make room on the disk, or let the agent write there");
            }
            Ok(()) if self.has_failed => info!(%path, "the history is kept on disk again"),
            _ => {}
        }
        self.has_failed = done.is_err();
    }
}

/// Whether something is wrong with the file itself.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Io(error) => matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof),
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch | Error::PreviousIo => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::analysis::history_tables::{ABOUT, MEANS, SCHEMA, SECONDS};
    use crate::analysis::history::{Key, MINUTE, WEEK};
    use crate::control::types::{HistoryRequest, Measure, SeriesOf};
    use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
    use std::time::Instant;
    use tempfile::{TempDir, tempdir};

    /// The first second of a minute.
    const START: u64 = 1_700_000_040;

    fn key() -> Key {
        Key { of: SeriesOf::Service { service: "web".to_owned() }, measure: Measure::Packets }
    }

    fn load(folder: &TempDir, now: u64) -> (HistoryFile, Past) {
        let file = HistoryFile::open(folder.path(), 8, now);
        let past = file.loaded.recv_timeout(Duration::from_secs(60)).expect("a past");
        (file, past)
    }

    /// Records `value` for each of so many seconds from `start` on, and ends as an agent does.
    fn record(folder: &TempDir, start: u64, seconds: u64, value: f32) {
        let (file, mut past) = load(folder, start);
        for second in start..start + seconds {
            past.record(second..=second, [(key(), value)].into());
            if (second + 1).is_multiple_of(MINUTE as u64) {
                let minute = second / MINUTE as u64;
                // Waits for the disk, unlike the agent, which has a minute.
                let row = Minute { minute, series: past.minute_values(minute) };
                file.minutes.send(row).expect("a thread");
            }
        }
        let minute = past.now() / MINUTE as u64;
        file.end(Minute { minute, series: past.minute_values(minute) });
    }

    fn values(past: &Past, since_s: u64) -> Vec<Option<f64>> {
        let history = past.query(&HistoryRequest { since_s, measure: None, service: None });
        history.series.into_iter().next().map_or_else(Vec::new, |series| series.values)
    }

    #[test]
    fn seconds_and_minutes_survive_the_end_and_a_gap_stays_one() {
        let folder = tempdir().expect("a folder");
        record(&folder, START, 90, 1.0);
        record(&folder, START + 100, 10, 2.0);
        let (_file, past) = load(&folder, START + 119);
        let expected = [&[Some(1.0); 90][..], &[None; 10], &[Some(2.0); 10], &[None; 10]].concat();
        assert_eq!(values(&past, 120), expected);
        assert_eq!(values(&past, 3_660)[59..], [Some(1.0), Some(1.25)]);
    }

    #[test]
    fn what_is_too_old_or_has_not_come_yet_is_removed() {
        let folder = tempdir().expect("a folder");
        record(&folder, START, 60, 1.0);
        record(&folder, START + 10 * 24 * 3_600, 60, 2.0);
        // The clock is set back.
        record(&folder, START + 3_600, 60, 3.0);
        let file = File::open(&folder.path().join(NAME)).expect("the file");
        let begun = file.database.begin_read().expect("the file");
        for table in [MEANS, SECONDS] {
            let rows = begun.open_table(table).expect("a table");
            let minutes: Vec<_> = rows.iter().expect("rows").map(|row| row.expect("a row").0.value()).collect();
            assert_eq!(minutes, [START / 60 + 60]);
        }
    }

    #[test]
    fn a_series_is_forgotten_with_its_last_row() {
        let folder = tempdir().expect("a folder");
        let write = |minute, service: &str| {
            let key = Key { of: SeriesOf::Service { service: service.to_owned() }, measure: Measure::Packets };
            let mut file = File::open(&folder.path().join(NAME)).expect("the file");
            file.write(&Minute { minute, series: vec![(key, 1.0, [1.0; MINUTE])] }).expect("room");
            drop(file);
            let file = File::open(&folder.path().join(NAME)).expect("the file");
            let numbers = file.series.iter().map(|(key, filed)| match &key.of {
                SeriesOf::Service { service } => (service.clone(), filed.number),
                of => panic!("{of:?}"),
            });
            numbers.collect::<Vec<_>>()
        };
        let numbered = |service: &str, number| (service.to_owned(), number);
        assert_eq!(write(START, "web"), [numbered("web", 0)]);
        assert_eq!(write(START + WEEK - 1, "shop"), [numbered("shop", 1), numbered("web", 0)]);
        assert_eq!(write(START + WEEK, "blog"), [numbered("blog", 2), numbered("shop", 1)]);
        assert_eq!(write(START + 3 * WEEK, "web"), [numbered("web", 0)]);
    }

    #[test]
    fn a_file_that_makes_no_sense_is_set_aside_and_another_begun() {
        let path_in = |folder: &TempDir| folder.path().join(NAME);
        let foreign = |folder: &TempDir| fs::write(path_in(folder), "not a history").expect("room");
        let of_others = |folder: &TempDir| {
            let database = Database::create(path_in(folder)).expect("room");
            let begun = database.begin_write().expect("room");
            begun.open_table(TableDefinition::<u64, u64>::new("theirs")).expect("a table");
            begun.commit().expect("room");
        };
        let of_the_future = |folder: &TempDir| {
            let file = File::open(&path_in(folder)).expect("room");
            let begun = file.database.begin_write().expect("room");
            begun.open_table(ABOUT).expect("a table").insert("schema", SCHEMA + 1).expect("room");
            begun.commit().expect("room");
        };
        let damaged = |folder: &TempDir| {
            record(folder, START, 120, 1.0);
            let mut bytes = fs::read(path_in(folder)).expect("the file");
            bytes[4_096..].fill(0xa5);
            fs::write(path_in(folder), bytes).expect("room");
        };
        let cases: [&dyn Fn(&TempDir); 4] = [&foreign, &of_others, &of_the_future, &damaged];
        for (number, case) in cases.iter().enumerate() {
            let folder = tempdir().expect("a folder");
            case(&folder);
            record(&folder, START, 60, 7.0);
            let (_file, past) = load(&folder, START + 59);
            assert_eq!(values(&past, 60), [Some(7.0); 60], "case {number}");
            assert!(path_in(&folder).with_extension("redb.damaged").exists(), "case {number}");
        }
    }

    #[test]
    fn without_a_disk_the_agent_is_not_kept_waiting() {
        let folder = tempdir().expect("a folder");
        fs::create_dir(folder.path().join(NAME)).expect("room");
        let began = Instant::now();
        record(&folder, START, 180, 1.0);
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
