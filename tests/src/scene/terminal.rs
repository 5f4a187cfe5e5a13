use super::outcome;
use anyhow::{Context, Result, ensure};
use procfs::process;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A terminal with a shell in it: tmux, without anybody who looks on. Dropping it ends what runs there.
#[derive(Debug)]
pub struct Terminal {
    /// Where its socket is: a place of its own, since the one before may still be ending.
    folder: TempDir,
}

impl Terminal {
    /// Opens one of so many columns and lines; its socket is below `folder`.
    ///
    /// # Errors
    /// When tmux does not start.
    pub fn open(folder: &Path, (columns, lines): (u16, u16)) -> Result<Self> {
        let terminal = Self { folder: tempfile::tempdir_in(folder)? };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        terminal.tmux(&["new-session", "-d", "-x", &columns, "-y", &lines, "env PS1='$ ' sh"])?;
        Ok(terminal)
    }

    /// Types a command and Enter.
    ///
    /// # Errors
    /// When tmux does not take it.
    pub fn run(&self, command: &str) -> Result<()> {
        self.tmux(&["send-keys", "-l", command])?;
        self.press(&["Enter"])
    }

    /// Presses keys, by tmux's names.
    ///
    /// # Errors
    /// When tmux does not take them.
    pub fn press(&self, keys: &[&str]) -> Result<()> {
        self.tmux(&[&["send-keys"], keys].concat()).map(drop)
    }

    /// Makes it as large as that.
    ///
    /// # Errors
    /// When tmux does not.
    pub fn resize(&self, (columns, lines): (u16, u16)) -> Result<()> {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]).map(drop)
    }

    /// What it shows.
    ///
    /// # Errors
    /// When it is gone.
    pub fn screen(&self) -> Result<String> {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The same, with the sequences that make colours.
    ///
    /// # Errors
    /// When it is gone.
    pub fn coloured(&self) -> Result<String> {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Whether a program has put a screen of its own over the shell's.
    ///
    /// # Errors
    /// When it is gone.
    pub fn is_covered(&self) -> Result<bool> {
        Ok(self.tmux(&["display-message", "-p", "#{alternate_on}"])?.trim() == "1")
    }

    /// The process that the shell has started.
    ///
    /// # Errors
    /// When there is none.
    pub fn child(&self) -> Result<i32> {
        let shell: i32 = self.tmux(&["display-message", "-p", "#{pane_pid}"])?.trim().parse()?;
        let all = process::all_processes()?.filter_map(|process| process.ok()?.stat().ok());
        let child = all.into_iter().find(|stat| stat.ppid == shell);
        Ok(child.context("the shell runs nothing")?.pid)
    }

    /// What tmux prints.
    fn tmux(&self, args: &[&str]) -> Result<String> {
        let mut tmux = Command::new("tmux");
        // UTF-8, and no settings of whoever runs the tests.
        tmux.args(["-u", "-f", "/dev/null", "-S"]).arg(self.folder.path().join("socket")).args(args).env_remove("TMUX");
        let outcome = outcome(&mut tmux)?;
        ensure!(outcome.code == Some(0), "tmux {args:?}: {outcome:?}");
        Ok(outcome.stdout)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.tmux(&["kill-server"]);
    }
}
