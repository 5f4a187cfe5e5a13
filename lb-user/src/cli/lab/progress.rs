use super::{percent, say};
use crate::cli::output::{bytes, number, table};
use crate::lab::Moment;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Cells of the bar of a back-end that gets everything.
const BAR: usize = 24;
/// Most back-ends with a line of their own: a block higher than the terminal could not be drawn over.
const MOST_LINES: usize = 16;
/// How often a line is printed where nothing can be drawn over.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how an experiment is going: a block that is drawn over on a terminal, a line now and then elsewhere.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    /// Lines of the block that is on the terminal.
    drawn: usize,
    next_line: Duration,
    /// When it was shown last, and how many requests were answered by then.
    last: (Duration, u64),
}

impl Progress {
    /// On standard output.
    pub(super) fn new() -> Self {
        Self { terminal: io::stdout().is_terminal(), drawn: 0, next_line: LINE_EVERY, last: (Duration::ZERO, 0) }
    }

    /// Shows `moment`.
    pub(super) fn show(&mut self, moment: &Moment) {
        if !self.terminal && moment.elapsed < self.next_line {
            return;
        }
        let (elapsed, ok) = self.last;
        let rate = (moment.tally.ok - ok) as f64 / (moment.elapsed - elapsed).as_secs_f64().max(0.001);
        self.last = (moment.elapsed, moment.tally.ok);
        if self.terminal {
            let block = block(moment, rate);
            say(&format!("{}{block}", self.erasure()));
            self.drawn = block.lines().count();
        } else {
            self.next_line = moment.elapsed + LINE_EVERY;
            say(&line(moment, rate));
        }
    }

    /// Makes room for what comes after it.
    pub(super) fn clear(self) {
        say(&self.erasure());
    }

    /// To the first line of the block, and clear everything below.
    fn erasure(&self) -> String {
        if self.drawn == 0 { String::new() } else { format!("\x1b[{}F\x1b[J", self.drawn) }
    }
}

fn block(moment: &Moment, rate: f64) -> String {
    let rows = moment.backends.iter().take(MOST_LINES).map(|backend| {
        vec![
            backend.name.clone(),
            number(backend.new_flows),
            number(backend.packets),
            bytes(backend.bytes),
            percent(backend.share),
            bar(backend.share),
        ]
    });
    let mut block = table(&["SERVER", "NEW FLOWS>", "PACKETS>", "BYTES>", "SHARE>", ""], rows);
    if let Some(more @ 1..) = moment.backends.len().checked_sub(MOST_LINES) {
        block += &format!("\nand {more} more");
    }
    format!("{block}\n\n{}", line(moment, rate))
}

fn line(moment: &Moment, rate: f64) -> String {
    let Moment { elapsed, duration, tally, .. } = moment;
    let end = duration.map_or_else(|| ", Ctrl-C ends".to_owned(), |end| format!(" of {} s", end.as_secs()));
    let (ok, open, failed) = (number(tally.ok), tally.open(), number(tally.failed()));
    format!("{} s{end} | {rate:.0} requests/s, {ok} ok, {open} open, {failed} failed\n", elapsed.as_secs())
}

fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (8 * BAR) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::types::{BackendState, BackendStatus};
    use crate::lab::load::Tally;
    use std::net::IpAddr;

    fn moment(backends: u8, duration: Option<Duration>) -> Moment {
        let backend = |number: u8| BackendStatus {
            service: "web".to_owned(),
            name: format!("server-{number}"),
            address: IpAddr::from([198, 18, 1, number]),
            weight: 1,
            configured_weight: None,
            health: None,
            state: BackendState::Ready,
            reason: None,
            interface: None,
            mac: None,
            new_flows: 1_200 * u64::from(number),
            share: 0.25 * f64::from(number),
            live_flows: 0,
            packets: 14_400,
            bytes: 2 << 20,
            fragments: 0,
            icmp_errors: 0,
        };
        let tally = Tally { begun: 3_610, ok: 3_600, ..Tally::default() };
        let backends = (1..=backends).map(backend).collect();
        Moment { elapsed: Duration::from_millis(12_900), duration, backends, tally }
    }

    #[test]
    fn a_block_has_a_bar_for_each_back_end() {
        assert_eq!(
            block(&moment(3, Some(Duration::from_secs(15))), 299.7),
            "\
SERVER    NEW FLOWS  PACKETS    BYTES    SHARE
server-1      1,200   14,400  2.0 MiB  25.00 %  ██████
server-2      2,400   14,400  2.0 MiB  50.00 %  ████████████
server-3      3,600   14,400  2.0 MiB  75.00 %  ██████████████████

12 s of 15 s | 300 requests/s, 3,600 ok, 10 open, 0 failed
"
        );
    }

    #[test]
    fn a_block_stays_below_the_height_of_a_terminal() {
        let block = block(&moment(64, None), 299.7);
        assert_eq!(block.lines().count(), 20);
        assert!(block.contains("\nand 48 more\n\n12 s, Ctrl-C ends |"));
    }

    #[test]
    fn bars_are_as_long_as_the_share() {
        assert_eq!([0.0, 1.0 / 192.0, 0.5, 2.0].map(bar), ["", "▏", &"█".repeat(12), &"█".repeat(24)]);
    }
}
