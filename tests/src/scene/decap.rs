use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running `handoff decap`. Dropping it kills it.
#[derive(Debug)]
pub struct Decap {
    process: Child,
    stdout: BufReader<ChildStdout>,
    log: PathBuf,
    cleaned_up: bool,
}

impl Decap {
    /// Starts `command`, which tells in JSON what it does, and waits until it is ready. What goes wrong goes to the file `log`.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start(command: &mut Command, log: PathBuf) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).stderr(File::create(&log)?).spawn()?;
        let stdout = BufReader::new(process.stdout.take().context("no standard output")?);
        let mut decap = Self { process, stdout, log, cleaned_up: false };
        let mut event = decap.event()?;
        if event["event"] == "cleaned-up" {
            decap.cleaned_up = true;
            event = decap.event()?;
        }
        ensure!(event["event"] == "ready", "{event}");
        Ok(decap)
    }

    /// Whether it found leftovers of an earlier run.
    pub fn cleaned_up(&self) -> bool {
        self.cleaned_up
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it tells next.
    ///
    /// # Errors
    /// When it ends without.
    pub fn event(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stdout.read_line(&mut line)? == 0 {
            bail!("handoff decap has ended: {}", fs::read_to_string(&self.log)?);
        }
        serde_json::from_str(&line).with_context(|| line.clone())
    }

    /// Has it tell how many packets there were with the verdict that is called `reason`.
    ///
    /// # Errors
    /// When it does not.
    pub fn packets(&mut self, reason: &str) -> Result<u64> {
        self.signal(Signal::SIGUSR1)?;
        self.told_packets(reason)
    }

    /// As [`Decap::packets`], when it tells by itself.
    ///
    /// # Errors
    /// When it tells something else next.
    pub fn told_packets(&mut self, reason: &str) -> Result<u64> {
        let event = self.event()?;
        let counters = event["counters"].as_array().with_context(|| event.to_string())?;
        let counter = counters.iter().find(|counter| counter["reason"] == reason);
        counter
            .and_then(|counter| counter["packets"].as_u64())
            .with_context(|| format!("no verdict is called {reason}"))
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        ensure!(self.process.try_wait()?.is_none(), "handoff decap has ended");
        Ok(kill(Pid::from_raw(self.process.id().try_into()?), signal)?)
    }

    /// Waits until it ends, and returns its exit code and the last that it told; no code when a signal ended it.
    ///
    /// # Errors
    /// When it told something that cannot be read.
    pub fn end(mut self) -> Result<(Option<i32>, Option<Value>)> {
        let mut last = None;
        for line in (&mut self.stdout).lines() {
            last = Some(serde_json::from_str(&line?)?);
        }
        Ok((self.process.wait()?.code(), last))
    }
}

impl Drop for Decap {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
