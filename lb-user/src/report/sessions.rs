use super::bars::{Bar, Bars, Colour, Group};
use super::page::{page as write, table};
use crate::lab::sessions::{CaseReport, Costs, Scheme, SessionsReport};
use maud::{Markup, html};

/// The page about `report`.
pub(super) fn page(report: &SessionsReport) -> String {
    let body = html! {
        (introduction(report))
        @for problem in report.problems() { p.problem { "Problem: " (problem) } }
        (reused(report).draw())
        (costs(report).draw())
        (load(report).draw())
        h2 { "What a handshake costs" }
        (table_of_costs(report.costs()))
        h2 { "All cases" }
        (table_of_cases(&report.cases))
        (explanation(report))
    };
    write("Reuse of TLS sessions", &body)
}

fn introduction(report: &SessionsReport) -> Markup {
    let SessionsReport { version, vip, servers, load, rounds, case_s, .. } = report;
    html! {
        p {
            "Real connections to https://" (vip) " through the XDP balancer of Handoff " (version) ", to " (servers) " servers: "
            @match load.rate {
                0 => { "as many as " (load.connections) " at once permit" }
                rate => { (rate) " a second, " (load.connections) " at once at most" }
            }
            @if let Some(clients) = load.clients { ", from " (clients) " clients, some of which are busy" }
            ". " (rounds) " × " (format!("{case_s:.1}")) " s for each case."
        }
        p.note {
            "The balancer sees only the client's half of a connection, and nothing of the session in it: the servers answer clients directly. \
             What is said here was counted by the servers and the clients."
        }
    }
}

fn explanation(report: &SessionsReport) -> Markup {
    html! {
        dl {
            dt { (Scheme::NoReuse) }
            dd { "Clients and servers remember nothing." }
            dt { (Scheme::OwnKeys) }
            dd { "Each server has ticket keys of its own; the balancer gives connections to servers in turn." }
            dt { (Scheme::OwnKeysAffinity1s) ", " (Scheme::OwnKeysAffinity5s) }
            dd { "The same, but the balancer sends clients where they were before, for windows of that length." }
            dt { (Scheme::SharedKeys) }
            dd {
                "All servers have the same ring of three keys, which is shifted every " (format!("{:.1}", report.rotation_s))
                " s; one of them is always one shift behind."
            }
            dt { (Scheme::SharedKeysNaive) }
            dd { "All servers have one key; a new one encrypts at once, gets to the other servers late, and the one before is dropped." }
        }
        p.note {
            "Processor time is that of the server's thread for TLS alone, without its calls to read and write; the median of the rounds."
        }
    }
}

fn reused(report: &SessionsReport) -> Bars {
    let bar = |case: &CaseReport| Bar {
        label: case.case.scheme.to_string(),
        value: case.resumed_share,
        text: case.resumed_share.map_or_else(none, percent),
        colour: colour(case),
    };
    Bars {
        title: "Sessions that were reused, % of the connections of clients that had one",
        caption: "Longer is better.",
        reference: Some(1.0),
        groups: groups(&report.cases, bar),
    }
}

fn costs(report: &SessionsReport) -> Bars {
    let group = |cost: Costs| {
        let bar =
            |label: &str, value: f64, text, colour| Bar { label: label.to_owned(), value: Some(value), text, colour };
        Group {
            name: format!("{}, {}", cost.key, cost.version),
            bars: vec![
                bar("full", cost.full_us, microseconds(cost.full_us), Colour::Plain),
                bar(
                    "resumed",
                    cost.resumed_us,
                    format!("{}, a full one costs {:.2} times as much", microseconds(cost.resumed_us), cost.ratio()),
                    Colour::Good,
                ),
            ],
        }
    };
    Bars {
        title: "The server's processor time for a handshake, µs",
        caption: "Shorter is better. Full handshakes are those without reuse, resumed ones those with shared keys.",
        reference: None,
        groups: report.costs().map(group).collect(),
    }
}

fn load(report: &SessionsReport) -> Bars {
    let bar = |case: &CaseReport| Bar {
        label: case.case.scheme.to_string(),
        value: Some(case.fairness.max_over_mean),
        text: format!("{:.3} (Jain {:.3})", case.fairness.max_over_mean, case.fairness.jain),
        colour: colour(case),
    };
    Bars {
        title: "Connections of the busiest server, times the mean of all servers",
        caption: "1 is even: the line.",
        reference: Some(1.0),
        groups: groups(&report.cases, bar),
    }
}

/// A group for each kind of key and version of TLS, in the order of the report.
fn groups(cases: &[CaseReport], bar: impl Fn(&CaseReport) -> Bar) -> Vec<Group> {
    let alike = |a: &CaseReport, b: &CaseReport| (a.case.key, a.case.version) == (b.case.key, b.case.version);
    let groups = cases.chunk_by(alike).filter_map(|cases| {
        let first = cases.first()?.case;
        Some(Group { name: format!("{}, {}", first.key, first.version), bars: cases.iter().map(&bar).collect() })
    });
    groups.collect()
}

fn colour(case: &CaseReport) -> Colour {
    match case.case.scheme {
        Scheme::SharedKeys => Colour::Good,
        Scheme::SharedKeysNaive => Colour::Bad,
        _ => Colour::Plain,
    }
}

fn table_of_costs(costs: impl Iterator<Item = Costs>) -> Markup {
    let columns = ["Key", "Version", "Full, µs>", "Resumed, µs>", "Ratio>"];
    let rows = costs.map(|cost| {
        vec![
            cost.key.to_string(),
            cost.version.to_string(),
            format!("{:.1}", cost.full_us),
            format!("{:.1}", cost.resumed_us),
            format!("{:.2}", cost.ratio()),
        ]
    });
    table(&columns, rows)
}

fn table_of_cases(cases: &[CaseReport]) -> Markup {
    let columns = [
        "Key",
        "Version",
        "Sessions",
        "Full>",
        "Resumed>",
        "Reused>",
        "Handshakes/s>",
        "CPU full, µs>",
        "CPU resumed, µs>",
        "CPU mean, µs>",
        "Max/mean>",
        "Jain>",
        "Failed>",
    ];
    let time = |value: Option<f64>| value.map_or_else(none, |value| format!("{value:.1}"));
    let rows = cases.iter().map(|case| {
        vec![
            case.case.key.to_string(),
            case.case.version.to_string(),
            case.case.scheme.to_string(),
            case.full.to_string(),
            case.resumed.to_string(),
            case.resumed_share.map_or_else(none, percent),
            format!("{:.0}", case.handshakes_per_s),
            time(case.full_cpu_us),
            time(case.resumed_cpu_us),
            time(case.cpu_us),
            format!("{:.3}", case.fairness.max_over_mean),
            format!("{:.3}", case.fairness.jain),
            case.errors.to_string(),
        ]
    });
    table(&columns, rows)
}

fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

fn microseconds(value: f64) -> String {
    format!("{value:.1} µs")
}

fn none() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::sessions::tests::report;

    #[test]
    fn the_page_has_the_graphs_and_the_tables() {
        let page = page(&report());
        assert_eq!(page.matches("<svg").count(), 3);
        // A bar for each of 24 cases twice, and two for each of four kinds of handshakes.
        assert_eq!(page.matches("<rect").count(), 2 * 24 + 2 * 4);
        assert_eq!(page.matches("<table").count(), 2);
        for text in
            ["71.43 %", "60.0 µs, a full one costs 10.00 times as much", "only the client's half", "1.500 (Jain 0.857)"]
        {
            assert!(page.contains(text), "no {text} in {page}");
        }
    }

    #[test]
    fn the_page_refers_to_nothing_else() {
        let page = page(&report()).replace("http://www.w3.org/2000/svg", "");
        for reference in ["src=", "href", "url(", "@import", "http://", "<script", "<link"] {
            assert!(!page.contains(reference), "{reference} in {page}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn what_comes_from_the_file_is_only_text() {
        let mut report = report();
        report.version = "<script>alert(1)</script>".to_owned();
        report.cases[0].errors = 1;
        report.cases[0].error = Some("\"><img src=x onerror=alert(1)>".to_owned());
        let page = page(&report);
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }
}
