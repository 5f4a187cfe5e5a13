use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::Profile;
use crate::{process, workspace};

/// A fuzz target: `fuzz/fuzz_targets/NAME.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target(&'static str);

/// Inputs of a brief run, those of the corpus among them. Their number is limited and not the time, so that every machine tries the same.
const BRIEF_RUNS: u32 = 20_000;

/// Longest input in bytes: some packets, one of which may be longer than interfaces send.
const MAX_LEN: u32 = 2_048;

/// Longest time for one input in seconds. A busy machine may take a thousand times as long as an idle one.
const TIMEOUT: u32 = 25;

/// Writes inputs to begin with, for all targets.
pub(super) fn seeds() -> Result<Command> {
    let mut seeds = Command::new(workspace::binary(Profile::Dev, "seeds")?);
    seeds.arg(scratch("seeds")?);
    Ok(seeds)
}

impl Target {
    pub(crate) const ALL: [Self; 9] = [
        Self("balancer"),
        Self("client_hello"),
        Self("config"),
        Self("decap"),
        Self("flow_table"),
        Self("requests"),
        Self("round_trip"),
        Self("shortcut"),
        Self("ticket_messages"),
    ];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.0 == name)
    }

    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    /// Tries the corpus, and the same variations of it every time. Nothing stays but an input that breaks the target.
    pub(crate) fn brief_run(self) -> Result<Command> {
        let corpus = self.corpus();
        let mut inputs = files(&workspace::root().join(&corpus))?;
        inputs.sort();
        let inputs: Vec<String> = inputs.iter().map(|name| format!("{corpus}/{name}")).collect();
        let mut run = self.program()?;
        run.args([format!("-runs={BRIEF_RUNS}"), "-seed=1".to_owned(), format!("-seed_inputs={}", inputs.join(","))]);
        Ok(run)
    }

    /// Looks for new ways through the code from everything that is known.
    pub(super) fn long_run(self, seconds: u32) -> Result<Command> {
        let mut run = self.program()?;
        run.arg(format!("-max_total_time={seconds}")).args(self.known()?);
        Ok(run)
    }

    /// Makes the corpus anew: as few inputs as take all the ways that are known.
    pub(super) fn choose_corpus(self) -> Result<()> {
        let chosen = scratch("chosen")?.join(self.0);
        let corpus = workspace::root().join(self.corpus());
        empty(&chosen)?;
        // How often an input takes a way does not matter here: corpora that told that apart would be five times as large.
        let choice = ["-set_cover_merge=1", "-use_counters=0"];
        process::run(self.program()?.args(choice).arg(&chosen).args(self.known()?))?;
        empty(&corpus)?;
        for name in files(&chosen)? {
            let (from, to) = (chosen.join(&name), corpus.join(&name));
            fs::copy(&from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        }
        Ok(())
    }

    /// The target's program, as it is started in the workspace's root.
    fn program(self) -> Result<Command> {
        let mut program = Command::new(workspace::binary(Profile::Dev, self.0)?);
        program.current_dir(workspace::root()).args([
            format!("-artifact_prefix=fuzz/artifacts/{}/", self.0),
            format!("-max_len={MAX_LEN}"),
            format!("-timeout={TIMEOUT}"),
            "-create_missing_dirs=1".to_owned(),
        ]);
        Ok(program)
    }

    /// Folders with inputs: the one that new ones go to, the corpus, and those to begin with.
    fn known(self) -> Result<[PathBuf; 3]> {
        Ok([scratch("found")?.join(self.0), self.corpus().into(), scratch("seeds")?.join(self.0)])
    }

    /// Seen from the workspace's root.
    fn corpus(self) -> String {
        format!("fuzz/corpus/{}", self.0)
    }
}

fn scratch(name: &str) -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("fuzz").join(name))
}

/// The names of the files in a folder.
fn files(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.with_context(|| format!("cannot list {}", folder.display()))?;
    Ok(entries.iter().map(|entry| entry.file_name().display().to_string()).collect())
}

/// Makes a folder with nothing in it.
fn empty(folder: &Path) -> Result<()> {
    let removed = if folder.exists() { fs::remove_dir_all(folder) } else { Ok(()) };
    removed.and_then(|()| fs::create_dir_all(folder)).with_context(|| format!("cannot empty {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        let programs = files(&workspace::root().join("fuzz/fuzz_targets")).unwrap();
        let mut names: Vec<_> = programs.iter().filter_map(|file| file.strip_suffix(".rs")).collect();
        names.sort_unstable();
        assert_eq!(names, Target::ALL.map(Target::name));
        for target in Target::ALL {
            assert!(!files(&workspace::root().join(target.corpus())).unwrap().is_empty(), "{target:?}");
        }
    }

    #[test]
    fn a_brief_run_is_the_same_every_time() {
        let run = || process::shown(&Target::ALL[0].brief_run().unwrap());
        assert_eq!(run(), run());
        assert!(run().contains("-runs=20000 -seed=1 -seed_inputs=fuzz/corpus/balancer/"), "{}", run());
    }
}
