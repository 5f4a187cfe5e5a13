//! The figures as graphs.

use crate::figures::Figures;
use crate::measure::Measure;
use crate::subject::Subject;
use anyhow::Result;
use lb_tests::figures::{Bar, Bars, Summary};
use std::fmt::Write;
use std::path::Path;

/// Name of the file, title, and measure of each graph.
const GRAPHS: [(&str, &str, Measure); 5] = [
    ("connections", "New connections a second", Measure::Connections),
    ("requests", "Requests a second over connections that stay open", Measure::Requests),
    ("download", "Download, Gbit/s", Measure::Download),
    ("upload", "Upload, Gbit/s", Measure::Upload),
    ("latency", "99 of 100 new connections took no longer, µs", Measure::LatencyP99),
];
const SHARE: (&str, &str) = ("cpu", "CPU time above plain routing for 1,000 new connections, ms");

/// Writes the graphs to `folder`, and returns the lines of Markdown that show them, for a document from which they are at `link`.
pub(crate) fn write(figures: &Figures, folder: &Path, link: &str) -> Result<String> {
    let mut lines = String::new();
    let mut graph = |(name, title): (&str, &str), value: &dyn Fn(Subject) -> Option<Summary>| {
        let bar =
            |&subject: &Subject| Some(Bar { name: subject.title(), value: value(subject)?, group: group(subject) });
        Bars { title, bars: figures.subjects.keys().filter_map(bar).collect() }
            .write(&folder.join(format!("{name}.svg")))?;
        write!(lines, "\n![{title}]({link}/{name}.svg)\n")?;
        anyhow::Ok(())
    };
    let share = |subject: Subject| figures.share(subject).filter(|_| subject.is_balancer());
    graph(SHARE, &share)?;
    for (name, title, measure) in GRAPHS {
        graph((name, title), &|subject| figures.summary(subject, measure))?;
    }
    Ok(lines)
}

/// Handoff has a colour of its own, and so have the limits and the peers.
fn group(subject: Subject) -> usize {
    match subject {
        Subject::L2Dsr | Subject::Ipip => 0,
        Subject::IpvsDr | Subject::Nftables | Subject::Haproxy | Subject::Nginx => 1,
        Subject::Direct | Subject::Routing | Subject::RoutingXdpLink | Subject::RoutingBothWays => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::made_up;
    use std::fs;

    #[test]
    fn every_graph_is_written_and_shown() {
        let folder = tempfile::tempdir().unwrap();
        let lines = write(&made_up(), folder.path(), "images").unwrap();
        assert_eq!(lines.matches("](images/").count(), GRAPHS.len() + 1);
        let cpu = fs::read_to_string(folder.path().join("cpu.svg")).unwrap();
        assert!(cpu.contains("Handoff l2-dsr") && !cpu.contains("plain routing, direct"), "{cpu}");
    }
}
