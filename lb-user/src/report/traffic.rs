use super::bars::{Bar, Bars, Colour, Group};
use super::lines::{Line, Lines};
use super::page::{page as write, table};
use crate::control::types::{
    ApplicationCounter, BackendState, BackendStatus, Fairness, History, Measure, ProtocolCounter, RingStatus, SeriesOf,
    Snapshot,
};
use crate::rows;
use crate::units::{bytes, number, percent};
use lb_common::abi::SizeClass;
use maud::{Markup, html};
use std::time::{Duration, SystemTime};

/// What stands beside each graph: see `GET /v1/traffic`.
const HALF: &str = "What clients send; the back-ends answer them directly, and the balancer does not see that (DSR).";

/// How many talkers are shown.
const TALKERS: usize = 20;

/// The page about an agent's traffic: how it is, and how it went, if a history is kept.
pub(super) fn page(snapshot: &Snapshot, history: Option<&History>) -> String {
    let body = html! {
        (introduction(snapshot, history))
        @match history {
            Some(history) => { @for graph in graphs(history) { (graph.draw()) } }
            None => p.note { "The agent keeps no history, so nothing is shown of how it went." }
        }
        (distribution(snapshot).draw())
        (protocols(snapshot).draw())
        (applications(snapshot).draw())
        (packet_sizes(snapshot).draw())
        @if !snapshot.samples.flow_sizes.is_empty() { (flow_sizes(snapshot).draw()) }
        @if !snapshot.samples.talkers.is_empty() { (talkers(snapshot).draw()) }
        h2 { "Services" }
        (services(snapshot))
        h2 { "Back-ends" }
        (backends(&snapshot.backends))
        h2 { "Protocols" }
        (table_of_protocols(&snapshot.traffic.protocols))
        h2 { "Applications" }
        (table_of_applications(&snapshot.traffic.applications))
        h2 { "What became of the packets" }
        (verdicts(snapshot))
        @if !snapshot.tickets.is_empty() {
            h2 { "Rings of ticket keys" }
            (tickets(&snapshot.tickets))
        }
    };
    write("Traffic", &body)
}

fn introduction(snapshot: &Snapshot, history: Option<&History>) -> Markup {
    let status = &snapshot.status;
    let interfaces = status.interfaces.iter().map(|interface| format!("{} ({} XDP)", interface.name, interface.xdp));
    html! {
        p {
            "Handoff " (status.version) ", generation " (status.generation) ", on " (interfaces.collect::<Vec<_>>().join(", "))
            ", as it was at " (moment(snapshot.unix_ms / 1_000)) ": " (status.ready) " of " (status.backends) " back-ends ready, "
            (number(status.flow_table.live)) " live flows."
            @if let Some(history) = history { " The graphs begin at " (moment(history.start_unix_s)) ", with a value each " (history.step_s) " s." }
        }
        p.note { "Counters are those since the program was attached. " (HALF) }
        @if let Some(failure) = &status.failure { p.problem { "Problem: " (failure) } }
        @for service in snapshot.services.iter().filter(|service| service.ready == 0) {
            p.problem { "Problem: " (service.name) " has no back-end that is ready" }
        }
    }
}

fn graphs(history: &History) -> Vec<Lines> {
    type Label = fn(&SeriesOf) -> Option<String>;
    let protocol: Label = |of| if let SeriesOf::Protocol { protocol } = of { Some(protocol.clone()) } else { None };
    let service: Label = |of| if let SeriesOf::Service { service } = of { Some(service.clone()) } else { None };
    let reason: Label = |of| if let SeriesOf::Reason { reason } = of { Some(reason.clone()) } else { None };
    let backend: Label = |of| match of {
        SeriesOf::Backend { service, backend } => Some(format!("{backend} of {service}")),
        _ => None,
    };
    let packets = |value: f64| format!("{}/s", about(value));
    let volume = |value: f64| format!("{}/s", bytes(value.round() as u64));
    let flows = about;
    let graph = |title, measure, label: Label, text| Lines {
        title,
        caption: HALF,
        start_unix_s: history.start_unix_s,
        step_s: history.step_s,
        text,
        lines: history
            .series
            .iter()
            .filter(|series| series.measure == measure)
            .filter_map(|series| Some(Line { label: label(&series.of)?, values: series.values.clone() }))
            .collect(),
    };
    vec![
        graph("Bytes a second, by protocol", Measure::Bytes, protocol, volume),
        graph("Packets a second, by service", Measure::Packets, service, packets),
        graph("New flows a second, by service", Measure::NewFlows, service, packets),
        graph("New flows a second, by back-end", Measure::NewFlows, backend, packets),
        graph("Live flows, by service", Measure::LiveFlows, service, flows),
        graph("Packets dropped a second, by reason", Measure::Dropped, reason, packets),
    ]
}

/// The paper's figure: who got how many of the flows.
fn distribution(snapshot: &Snapshot) -> Bars {
    let bar = |backend: &BackendStatus| Bar {
        label: backend.name.clone(),
        value: Some(backend.new_flows as f64),
        text: format!("{} ({})", number(backend.new_flows), percent(backend.share)),
        colour: if backend.state == BackendState::Ready { Colour::Good } else { Colour::Bad },
    };
    let evenness = |service: &str| {
        let of = snapshot.traffic.fairness.iter().find(|fairness| fairness.service == service);
        match of {
            Some(&Fairness { max_over_mean: Some(most), jain: Some(jain), .. }) => {
                format!("{service}: the largest share is {most:.3} times the mean, Jain's index {jain:.3}")
            }
            _ => service.to_owned(),
        }
    };
    let groups = snapshot.services.iter().map(|service| Group {
        name: evenness(&service.name),
        bars: snapshot.backends.iter().filter(|backend| backend.service == service.name).map(bar).collect(),
    });
    let title = "New flows since the counters began, by back-end";
    Bars { title, caption: HALF, reference: None, groups: groups.collect() }
}

fn protocols(snapshot: &Snapshot) -> Bars {
    let all: u64 = snapshot.traffic.protocols.iter().map(|counter| counter.bytes).sum();
    let bar = |counter: &ProtocolCounter| Bar {
        label: format!("{} {} {}", counter.link, counter.network, counter.transport),
        value: Some(counter.bytes as f64),
        text: share_of(counter.bytes, all),
        colour: Colour::Plain,
    };
    let bars = snapshot.traffic.protocols.iter().map(bar).collect();
    let groups = vec![Group { name: format!("{} in all", bytes(all)), bars }];
    Bars { title: "Bytes received, by protocol", caption: HALF, reference: None, groups }
}

fn applications(snapshot: &Snapshot) -> Bars {
    let all = snapshot.traffic.applications.iter().map(|counter| counter.bytes).sum();
    let bars = snapshot.traffic.applications.iter().map(|counter| Bar {
        label: counter.application.clone(),
        value: Some(counter.bytes as f64),
        text: share_of(counter.bytes, all),
        colour: Colour::Plain,
    });
    let groups = vec![Group { name: "forwarded".to_owned(), bars: bars.collect() }];
    Bars { title: "Bytes forwarded, by application", caption: HALF, reference: None, groups }
}

fn packet_sizes(snapshot: &Snapshot) -> Bars {
    let limits = SizeClass::LIMITS.iter().map(|limit| format!("to {limit} B")).chain(["above".to_owned()]);
    let bars = limits.zip(snapshot.traffic.sizes).map(|(label, packets)| Bar {
        label,
        value: Some(packets as f64),
        text: number(packets),
        colour: Colour::Plain,
    });
    let groups = vec![Group { name: "size of the frame".to_owned(), bars: bars.collect() }];
    Bars { title: "Packets, by size", caption: HALF, reference: None, groups }
}

fn flow_sizes(snapshot: &Snapshot) -> Bars {
    let groups = snapshot.samples.flow_sizes.iter().map(|sizes| Group {
        name: format!(
            "{}: {} flows, {} and {:.1} s on average",
            sizes.application,
            number(sizes.flows),
            bytes(sizes.mean_bytes as u64),
            sizes.mean_duration_s
        ),
        bars: sizes
            .sizes
            .iter()
            .map(|class| Bar {
                label: format!("to {}", bytes(class.up_to_bytes)),
                value: Some(class.flows as f64),
                text: number(class.flows),
                colour: Colour::Plain,
            })
            .collect(),
    });
    Bars { title: "Flows, by size (sampled)", caption: HALF, reference: None, groups: groups.collect() }
}

fn talkers(snapshot: &Snapshot) -> Bars {
    let bars = snapshot.samples.talkers.iter().take(TALKERS).map(|talker| Bar {
        label: talker.client.to_string(),
        value: Some(talker.bytes as f64),
        text: format!("{} ({})", bytes(talker.bytes), percent(talker.share)),
        colour: Colour::Plain,
    });
    let groups = vec![Group { name: format!("in the last {} s", snapshot.samples.window_s), bars: bars.collect() }];
    Bars { title: "Bytes, by client (sampled)", caption: HALF, reference: None, groups }
}

fn services(snapshot: &Snapshot) -> Markup {
    let columns = [
        "Service",
        "VIP",
        "Scheduler",
        "Ready>",
        "New flows>",
        "Live flows>",
        "Packets>",
        "Bytes>",
        "Dropped>",
        "Unknown flows>",
    ];
    let rows = snapshot.services.iter().map(|service| {
        vec![
            service.name.clone(),
            format!("{} {} {}", service.vip, service.ports, service.protocol),
            service.scheduler.to_string(),
            format!("{} of {}", service.ready, service.backends),
            number(service.new_flows),
            number(service.live_flows),
            number(service.packets),
            bytes(service.bytes),
            number(service.dropped),
            number(service.unknown_flows),
        ]
    });
    table(&columns, rows)
}

fn backends(backends: &[BackendStatus]) -> Markup {
    let columns = [
        "Service",
        "Back-end",
        "Address",
        "State",
        "Weight>",
        "Health",
        "New flows>",
        "Share>",
        "Live flows>",
        "Packets>",
        "Bytes>",
    ];
    let rows = backends.iter().map(|backend| {
        vec![
            backend.service.clone(),
            backend.name.clone(),
            backend.address.to_string(),
            backend.state.to_string(),
            backend.weight.to_string(),
            backend.health.as_ref().map_or_else(|| "–".to_owned(), ToString::to_string),
            number(backend.new_flows),
            percent(backend.share),
            number(backend.live_flows),
            number(backend.packets),
            bytes(backend.bytes),
        ]
    });
    table(&columns, rows)
}

fn table_of_protocols(counters: &[ProtocolCounter]) -> Markup {
    table(&["Link", "Network", "Transport", "Packets>", "Bytes>"], rows::protocols(counters))
}

fn table_of_applications(counters: &[ApplicationCounter]) -> Markup {
    let columns = ["Application", "Services>", "New flows>", "Live flows>", "Packets>", "Bytes>"];
    table(&columns, rows::applications(counters))
}

fn verdicts(snapshot: &Snapshot) -> Markup {
    let columns = ["Action", "Reason", "Packets>", "Bytes>"];
    let counted = snapshot.verdicts.iter().filter(|verdict| verdict.packets > 0);
    let rows = counted.map(|verdict| {
        vec![verdict.action.clone(), verdict.reason.clone(), number(verdict.packets), bytes(verdict.bytes)]
    });
    table(&columns, rows)
}

fn tickets(rings: &[RingStatus]) -> Markup {
    let columns =
        ["Ring", "Services", "Version", "Rotations>", "Next in, s>", "Held", "Nodes behind>", "Resumed>", "Full>"];
    let rows = rings.iter().map(|ring| {
        let behind = ring.nodes.iter().filter(|node| node.lag != Some(0)).count();
        vec![
            ring.name.to_string(),
            ring.services.join(", "),
            ring.version.to_string(),
            number(ring.rotations),
            format!("{:.0}", ring.due_in_s),
            if ring.held { "yes" } else { "no" }.to_owned(),
            format!("{behind} of {}", ring.nodes.len()),
            number(ring.probes.iter().map(|probe| probe.resumed).sum()),
            number(ring.probes.iter().map(|probe| probe.full).sum()),
        ]
    });
    table(&columns, rows)
}

/// So many bytes, and which part of `all` they are.
fn share_of(count: u64, all: u64) -> String {
    format!("{} ({})", bytes(count), percent(count as f64 / all.max(1) as f64))
}

/// A value, with a decimal where that makes a difference.
fn about(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { number(value.round() as u64) }
}

fn moment(unix_s: u64) -> String {
    let moment = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix_s)).unwrap_or(SystemTime::UNIX_EPOCH);
    humantime::format_rfc3339_seconds(moment).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::types::Series;
    use crate::top::testing::snapshot;

    fn history() -> History {
        let series = |measure, of| Series { measure, of, values: vec![Some(1.0), None, Some(3.0), Some(2.0)] };
        let service = || SeriesOf::Service { service: "web".to_owned() };
        let series = vec![
            series(Measure::Bytes, SeriesOf::Protocol { protocol: "ipv4 tcp".to_owned() }),
            series(Measure::Packets, service()),
            series(Measure::NewFlows, service()),
            series(Measure::NewFlows, SeriesOf::Backend { service: "web".to_owned(), backend: "server-1".to_owned() }),
            series(Measure::LiveFlows, service()),
            series(Measure::Dropped, SeriesOf::Reason { reason: "denied".to_owned() }),
        ];
        History { start_unix_s: 1_700_000_000, step_s: 1, series, left_out: 0 }
    }

    #[test]
    fn the_page_has_the_graphs_and_the_numbers() {
        let page = page(&snapshot(3), Some(&history()));
        // Six of the history, and six of now; beside each of them what they do not show.
        assert_eq!((page.matches("<svg").count(), page.matches("<figure").count()), (12, 12));
        assert_eq!(page.matches(HALF).count(), 12 + 1);
        // Each line has a stretch, a dot, and its place in the legend.
        assert_eq!((page.matches("<polyline").count(), page.matches("<circle").count()), (12, 6));
        for text in [
            "ipv4 tcp: mean 2 B/s, at most 3 B/s, at last 2 B/s",
            "180 (60.0 %)",
            "web: the largest share is 1.200 times the mean, Jain&#39;s index 0.962",
            "<td class=\"right\">3,000</td>",
            "<td>denied</td><td class=\"right\">21</td>",
            "2023-11-14T22:13:23Z",
        ] {
            assert!(page.contains(text) || page.contains(&text.replace("&#39;", "'")), "no {text} in {page}");
        }
    }

    #[test]
    fn without_a_history_the_page_says_so() {
        let page = page(&snapshot(3), None);
        assert!(page.contains("keeps no history") && !page.contains("<polyline"), "{page}");
    }

    #[test]
    fn what_comes_from_the_agent_is_only_text() {
        let mut snapshot = snapshot(3);
        snapshot.services[0].name = "<script>alert(1)</script>".to_owned();
        snapshot.status.failure = Some("\"><img src=x>".to_owned());
        let page = page(&snapshot, Some(&history()));
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    }
}
