//! The figures as a section of a document: ratios first.

use crate::figures::Figures;
use crate::measure::Measure;
use crate::subject::Subject;
use lb_tests::figures::{Summary, Table};

/// Columns of the table of all figures, with the digits behind the point.
const COLUMNS: [(&str, Measure, usize); 8] = [
    ("new conn/s", Measure::Connections, 0),
    ("requests/s", Measure::Requests, 0),
    ("up Gbit/s", Measure::Upload, 2),
    ("down Gbit/s", Measure::Download, 2),
    ("p50 µs", Measure::LatencyP50, 0),
    ("p99 µs", Measure::LatencyP99, 0),
    ("p99.9 µs", Measure::LatencyP999, 0),
    ("failed", Measure::Failed, 0),
];

/// The whole section.
pub(crate) fn section(figures: &Figures) -> String {
    let Figures { machine, rounds, seconds, rate, .. } = figures;
    format!(
        "{rounds} rounds, {seconds} s for each measurement; medians, in parentheses the least and the greatest round. Latency is that of new \
connections at {rate} a second.\n\n\
{machine}.\n\n\
{}\n\
Ratios are those of the same round; the CPU's are ratios of medians.\n\n\
{}\n\
What the balancer takes for 1,000 new connections: CPU time of the whole machine, and how much of it is above plain routing with direct return, \
and above plain routing over the same link and hops; the latter for each packet that it receives; what the XDP program itself takes, by the kernel's \
clock, at the fixed rate. Memory is that after the new connections.\n\n\
{}",
        claims(figures),
        all(figures),
        balancers(figures)
    )
}

/// What is claimed of Handoff, and what was measured.
fn claims(figures: &Figures) -> Table {
    let mut table = Table::new(&["Handoff against", "l2-dsr", "ipip", "goal for l2-dsr"]);
    let mut row = |claim: &str, measured: &dyn Fn(Subject) -> Option<String>, goal: &str| {
        let cells = [Subject::L2Dsr, Subject::Ipip].map(|subject| measured(subject).unwrap_or_default());
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.row([claim.to_owned()].into_iter().chain(cells).chain([goal.to_owned()]));
        }
    };
    let ratio = |other, measure| move |subject| figures.ratio(subject, other, measure).map(spread);
    let own = |other| move |subject| Some(format!("{:.3}", figures.own_share_ratio(subject, other)?));
    let share = |other| move |subject| Some(format!("{:.3}", figures.share_ratio(subject, other)?));
    row("plain routing: new conn/s", &ratio(Subject::Routing, Measure::Connections), "≥ 0.97");
    row("plain routing: p99", &ratio(Subject::Routing, Measure::LatencyP99), "≤ 1.10");
    row("the same, link ready for XDP: new conn/s", &ratio(Subject::RoutingXdpLink, Measure::Connections), "");
    row("the same, link ready for XDP: p99", &ratio(Subject::RoutingXdpLink, Measure::LatencyP99), "");
    row("client to server: download", &ratio(Subject::Direct, Measure::Download), "≥ 0.95");
    row("nftables: CPU above plain routing", &share(Subject::Nftables), "≤ 0.25");
    if figures.is_veth {
        row("nftables: CPU above plain routing, Handoff's over a link ready for XDP", &own(Subject::Nftables), "");
    }
    row("HAProxy: CPU above plain routing", &share(Subject::Haproxy), "≤ 0.10");
    row("nginx: CPU above plain routing", &share(Subject::Nginx), "≤ 0.10");
    row("IPVS: new conn/s", &ratio(Subject::IpvsDr, Measure::Connections), "> 1");
    row("nftables: new conn/s", &ratio(Subject::Nftables, Measure::Connections), "");
    row("HAProxy: new conn/s", &ratio(Subject::Haproxy, Measure::Connections), "");
    row("nginx: new conn/s", &ratio(Subject::Nginx, Measure::Connections), "");
    table
}

fn spread(ratio: Summary) -> String {
    ratio.with_spread(3)
}

fn all(figures: &Figures) -> Table {
    let names: Vec<_> = [""].into_iter().chain(COLUMNS.map(|(name, ..)| name)).collect();
    let mut table = Table::new(&names);
    for &subject in figures.subjects.keys() {
        let cell = |(_, measure, digits)| shown(figures.summary(subject, measure), digits);
        table.row([subject.title().to_owned()].into_iter().chain(COLUMNS.map(cell)));
    }
    table
}

fn balancers(figures: &Figures) -> Table {
    let mut table = Table::new(&[
        "",
        "CPU ms",
        "above routing",
        "above the same hops",
        "ns a packet",
        "XDP program",
        "packets a connection",
        "processes MiB",
        "kernel MiB",
    ]);
    for &subject in figures.subjects.keys() {
        let mut cells = vec![subject.title().to_owned(), shown(figures.summary(subject, Measure::ConnectionsCpu), 2)];
        if subject.is_balancer() {
            let hops = figures.above_same_hops(subject);
            let median = |measure| figures.summary(subject, measure).map(|summary| format!("{:.1}", summary.median));
            cells.extend([shown(figures.share(subject), 2), shown(hops, 2), shown(figures.packet_cost(subject), 0)]);
            cells.push(shown(figures.summary(subject, Measure::ProgramCpu), 2));
            let measures = [Measure::ConnectionPackets, Measure::UserMemory, Measure::KernelMemory];
            cells.extend(measures.map(|measure| median(measure).unwrap_or_default()));
        }
        table.row(cells);
    }
    table
}

fn shown(summary: Option<Summary>, digits: usize) -> String {
    summary.map(|summary| summary.with_spread(digits)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::made_up;

    #[test]
    fn ratios_come_first_and_only_what_was_measured_has_a_row() {
        let section = section(&made_up());
        let at = |text: &str| section.find(text).unwrap_or_else(|| panic!("{text} is missing:\n{section}"));
        assert!(
            at("| plain routing: new conn/s | 0.909 (0.909–0.909) |  | ≥ 0.97 |")
                < at("| plain routing, direct return |")
        );
        assert!(at("| nftables: CPU above plain routing | 0.200 |") < at("| Handoff l2-dsr | 46.00 (45.00–47.00) |"));
        assert!(!section.contains("nginx"), "{section}");
        let program_and_packets = "| 1000 (1000–1000) | 2.50 (2.50–2.50) | 4.0 |";
        assert!(at("| ns a packet | XDP program | packets a connection |") < at(program_and_packets), "{section}");
    }
}
