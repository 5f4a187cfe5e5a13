//! The configuration: one TOML file, parsed whole into checked types before anything is touched.
//!
//! `file` is the shape of the file, `model` what the rest of the agent works with, `check` the way from one to the other,
//! value by value in `value`. A file of the right shape has all its mistakes reported at once, each with its line, its
//! key, and what would be right.

mod check;
mod error;
mod file;
mod model;
mod problems;
mod value;

pub use error::{Error, Problem};
pub use model::{
    Backend, Config, DEFAULT_FILE, DEFAULT_PIN_FOLDER, DEFAULT_SOCKET, FlowTable, Forwarding, InterfaceName, Protocol,
    Scheduler, Service, XdpMode,
};

pub(crate) use model::to_ticks;

use std::fs;
use std::path::Path;

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or says something that cannot be.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Checks `text`, the content of the file at `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let invalid = |problems| Error::Invalid { path: path.to_owned(), problems };
        let file = file::parse(text).map_err(|problem| invalid(vec![problem]))?;
        check::check(text, &file).map_err(invalid)
    }
}

#[cfg(test)]
mod tests;
