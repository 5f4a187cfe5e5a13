//! What a soak comes to.

use super::audit::{Packets, Size, first_and_last};
use super::ledger::{Account, Ledger};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The figures of a soak.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What the events follow from.
    pub seed: u64,
    /// How long it took.
    pub time: Duration,
    /// Events that happened, of all lanes.
    pub events: u64,
    /// Every request.
    pub ledger: Ledger,
    /// Packets from the first audit to the last.
    pub packets: Packets,
    /// How often the balancer's link came up.
    pub links_up: u64,
    /// Packets that an audit could not account for; one number for each audit.
    pub audits: Vec<i64>,
    /// The agent, every second.
    pub sizes: Vec<Size>,
    /// What must not be, and was.
    pub problems: Vec<String>,
}

impl Report {
    /// The agent may be so much larger in the end: as a part of what it was, and in KiB.
    const GROWTH: (f64, u64) = (1.10, 1_024);
    /// It may have so many more files open: those of a request that is under way.
    const MORE_FILES: u64 = 4;

    /// So many packets may go past the program each time that the link comes up.
    const PAST_PROGRAM: u64 = 3;

    /// Requests that nothing accounts for.
    pub fn unaccounted_requests(&self) -> usize {
        self.ledger.failures_by(Account::Unaccounted).count()
    }

    /// Packets that nothing accounts for.
    pub fn unaccounted_packets(&self) -> u64 {
        self.audits.iter().map(|packets| packets.unsigned_abs()).sum()
    }

    /// What is wrong; nothing if all is well.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.problems.clone();
        let unaccounted = self.ledger.failures_by(Account::Unaccounted);
        faults.extend(unaccounted.map(|failure| format!("a request that nothing accounts for: {failure:?}")));
        if self.unaccounted_packets() > 0 {
            faults.push(format!("packets that nothing accounts for, by audit: {:?}", self.audits));
        }
        let past = self.packets.past_program;
        if past > self.links_up * Self::PAST_PROGRAM {
            faults
                .push(format!("{past} packets went past the program, while the link came up {} times", self.links_up));
        }
        let (part, absolute) = Self::GROWTH;
        if let Some((first, last)) = first_and_last(&self.sizes, |size| size.resident)
            && last as f64 > first as f64 * part + absolute as f64
        {
            faults.push(format!("the agent grew from {first} KiB to {last} KiB"));
        }
        if let Some((first, last)) = first_and_last(&self.sizes, |size| size.files as u64)
            && last > first + Self::MORE_FILES
        {
            faults.push(format!("the agent had {first} files open, and {last} in the end"));
        }
        faults
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, time, events, ledger, packets, audits, sizes, .. } = self;
        writeln!(f, "seed {seed}: {events} events in {} s", time.as_secs())?;
        writeln!(f, "requests: {}", ledger.requests())?;
        for (kind, backends) in &ledger.answered {
            let shares: Vec<_> = backends.iter().map(|(backend, count)| format!("{backend} {count}")).collect();
            writeln!(f, "  {kind:?}: {} answered: {}", backends.values().sum::<u64>(), shares.join(", "))?;
        }
        writeln!(f, "  TLS sessions resumed: {}", ledger.resumed)?;
        let count = |account| ledger.failures_by(account).count();
        writeln!(f, "  failed with a back-end that was out: {}", count(Account::InFlight))?;
        writeln!(f, "  failed while one was out, and their flow was forgotten: {}", count(Account::Forgotten))?;
        writeln!(f, "  failed, unaccounted: {}", count(Account::Unaccounted))?;
        let mut actions: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, count) in &packets.decided {
            *actions.entry(name.split(' ').next().unwrap_or_default()).or_default() += count;
        }
        let mut actions: Vec<_> = actions.iter().map(|(action, count)| format!("{count} {action}")).collect();
        if packets.past_program > 0 {
            actions.push(format!("{} before the program, as the link came up", packets.past_program));
        }
        let (sum, unaccounted) = (actions.join(" + "), self.unaccounted_packets());
        writeln!(
            f,
            "packets: {} in = {sum}; unaccounted: {unaccounted}, in {} audits",
            packets.received,
            audits.len()
        )?;
        for (name, count) in &packets.decided {
            writeln!(f, "  {name}: {count}")?;
        }
        if let Some((first, last)) = first_and_last(sizes, |size| size.resident) {
            let most = sizes.iter().map(|size| size.resident).max().unwrap_or(0);
            writeln!(
                f,
                "the agent: {first} KiB resident in the first fifth, {last} KiB in the last, {most} KiB at most"
            )?;
        }
        if let Some((first, last)) = first_and_last(sizes, |size| size.files as u64) {
            writeln!(f, "  {first} open files in the first fifth, {last} in the last")?;
        }
        let faults = self.faults();
        for fault in &faults {
            writeln!(f, "FAULT: {fault}")?;
        }
        write!(f, "{}", if faults.is_empty() { "all is accounted for" } else { "not all is well" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(sizes: &[(u64, usize)], audits: Vec<i64>) -> Report {
        let size =
            |(at, &(resident, files)): (u64, &(u64, usize))| Size { at: Duration::from_secs(at), resident, files };
        Report {
            seed: 1,
            time: Duration::from_secs(1),
            events: 0,
            ledger: Ledger::default(),
            packets: Packets::default(),
            links_up: 0,
            audits,
            sizes: (0..).zip(sizes).map(size).collect(),
            problems: Vec::new(),
        }
    }

    #[test]
    fn growth_and_lost_packets_are_faults() {
        assert_eq!(report(&[(10_000, 20); 10], vec![0, 0]).faults(), [""; 0]);
        let grown = [[(10_000, 20); 5], [(12_100, 20); 5]].concat();
        assert_eq!(report(&grown, vec![]).faults(), ["the agent grew from 10000 KiB to 12100 KiB"]);
        let files = [[(10_000, 20); 5], [(10_000, 25); 5]].concat();
        assert_eq!(report(&files, vec![]).faults(), ["the agent had 20 files open, and 25 in the end"]);
        // What one audit has too few, another must not make up for.
        assert_eq!(report(&[], vec![1, -1]).unaccounted_packets(), 2);
        assert_eq!(report(&[], vec![1, -1]).faults().len(), 1);
    }

    #[test]
    fn packets_go_past_the_program_only_as_the_link_comes_up() {
        let past = |past_program, links_up| {
            let packets = Packets { past_program, ..Packets::default() };
            Report { packets, links_up, ..report(&[], vec![]) }.faults().len()
        };
        assert_eq!([past(0, 0), past(3, 1), past(1, 0), past(4, 1)], [0, 0, 1, 1]);
    }
}
