use crate::config::{Affinity, Scheduler};
use std::fmt;

/// How a service hands out its new flows. Its text is what a configuration says about that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Who gets the flow of a client that is not remembered.
    pub scheduler: Scheduler,
    /// Whether and how clients are remembered.
    pub affinity: Option<Affinity>,
}

impl Policy {
    /// One server after the other, whoever asks.
    pub const DEFAULT: Self = Self { scheduler: Scheduler::RoundRobin, affinity: None };
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scheduler = \"{}\"", self.scheduler)?;
        let Some(Affinity { window, reset, prefix, prefix_v6, max_load }) = self.affinity else { return Ok(()) };
        let window = humantime::format_duration(window);
        write!(
            f,
            "affinity = {{ window = \"{window}\", reset = \"{reset}\", prefix = {prefix}, prefix-v6 = {prefix_v6}"
        )?;
        if let Some(max_load) = max_load {
            write!(f, ", max-load = {max_load:?}")?;
        }
        writeln!(f, " }}")
    }
}
