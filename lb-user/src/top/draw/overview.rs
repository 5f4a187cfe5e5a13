use super::{ALARM, graph};
use crate::control::types::{Measure, ProtocolCounter, SeriesOf, Snapshot};
use crate::top::sheet::per_second;
use crate::top::view::View;
use crate::units::{bytes, number, percent};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

/// How many lines the facts may take; the graphs have the rest.
const MOST_FACTS: u16 = 12;

pub(super) fn draw(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let facts: Vec<_> = facts(view).into_iter().take(MOST_FACTS.into()).collect();
    let [graphs, below] = Layout::vertical([Constraint::Min(0), Constraint::Length(facts.len() as u16)]).areas(area);
    let graph = |name: &str, measure, frame: &mut Frame<'_>, area| {
        graph::draw(view, name, measure, &SeriesOf::All, frame, area);
    };
    let [upper, lower] = Layout::vertical([Constraint::Fill(1); 2]).areas(graphs);
    let halves = Layout::horizontal([Constraint::Fill(1); 2]);
    let [packets, bytes] = halves.areas(upper);
    let [new, live] = halves.areas(lower);
    graph("packets", Measure::Packets, frame, packets);
    graph("bytes", Measure::Bytes, frame, bytes);
    graph("new flows", Measure::NewFlows, frame, new);
    graph("live flows", Measure::LiveFlows, frame, live);
    frame.render_widget(Paragraph::new(facts), below);
}

/// What there is besides, the most important first.
fn facts(view: &View) -> Vec<Line<'static>> {
    let Snapshot { status, services, traffic, samples, tickets, .. } = &view.snapshot;
    let mut facts = Vec::new();
    let mut fact = |name: &str, text: String, alarming: bool| {
        let style = if alarming { ALARM } else { Style::new() };
        facts.push(Line::from(vec![format!(" {name:12}").bold(), Span::styled(text, style)]));
    };
    let empty = services.iter().filter(|service| service.ready == 0).count();
    let without = if empty > 0 { format!(", {empty} without a ready back-end") } else { String::new() };
    fact("services", format!("{}{without}", services.len()), empty > 0);
    let table = &status.flow_table;
    let full = table.live as f64 / table.capacity.max(1) as f64;
    let room = format!(
        "{} of {} flows ({}), {}",
        number(table.live),
        number(table.capacity),
        percent(full),
        bytes(table.bytes)
    );
    fact("flow table", room, full > 0.9);
    let dropped = view.measured.get(Measure::Dropped, &SeriesOf::All);
    fact("dropped", per_second(dropped, number) + " packets", dropped.is_some_and(|rate| rate > 0.0));
    let interfaces = status.interfaces.iter().map(|interface| {
        format!("{} {}, XDP {}", interface.name, if interface.up { "up" } else { "down" }, interface.xdp)
    });
    let time = status.ns_per_packet.map_or_else(String::new, |time| format!(", {time:.0} ns a packet"));
    let down = status.interfaces.iter().any(|interface| !interface.up);
    fact("interfaces", interfaces.collect::<Vec<_>>().join("; ") + &time, down);
    fact("protocols", protocols(&traffic.protocols), false);
    let even = traffic
        .fairness
        .iter()
        .filter_map(|of| Some(format!("{} max/mean {:.2}, Jain {:.3}", of.service, of.max_over_mean?, of.jain?)));
    fact("evenness", listed(even) + ", since the counters began", false);
    let talkers = samples.talkers.iter().map(|talker| format!("{} {}", talker.client, percent(talker.share)));
    fact("talkers", listed(talkers), false);
    for ring in tickets {
        let behind = ring.nodes.iter().filter(|node| node.lag != Some(0)).count();
        let held = if ring.held { ", held" } else { "" };
        let text = format!(
            "{} {}, rotates in {:.0} s{held}, {behind} of {} nodes behind",
            ring.name,
            ring.version,
            ring.due_in_s,
            ring.nodes.len()
        );
        fact("ticket keys", text, ring.held || ring.due_in_s < 0.0 || behind > 0);
    }
    facts
}

/// Shares of the bytes, the largest first.
fn protocols(counters: &[ProtocolCounter]) -> String {
    let all: u64 = counters.iter().map(|counter| counter.bytes).sum();
    let mut counters: Vec<_> = counters.iter().collect();
    counters.sort_by_key(|counter| std::cmp::Reverse(counter.bytes));
    listed(counters.into_iter().map(|ProtocolCounter { network, transport, bytes, .. }| {
        let share = percent(*bytes as f64 / all.max(1) as f64);
        if transport == "none" { format!("{network} {share}") } else { format!("{network} {transport} {share}") }
    }))
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let text = items.collect::<Vec<_>>().join("; ");
    if text.is_empty() { "-".to_owned() } else { text }
}
