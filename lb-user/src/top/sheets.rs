//! The tables of the tabs: the same values as in `handoff services`, `backends`, `flows` and `counters`, and their rates.

use super::measured::Measured;
use super::sheet::{Cell, Row, Sheet, Subject};
use crate::control::types::{BackendState, FlowList, FlowStatus, Measure, SeriesOf, Snapshot};

pub(super) fn services(snapshot: &Snapshot, measured: &Measured) -> Sheet {
    let rows = snapshot.services.iter().map(|service| {
        let of = SeriesOf::Service { service: service.name.clone() };
        let rate = |measure| measured.get(measure, &of);
        let cells = vec![
            Cell::text(&service.name),
            Cell::text(format!("{} of {}", service.ready, service.backends)),
            Cell::rate(rate(Measure::NewFlows)),
            Cell::count(service.live_flows),
            Cell::rate(rate(Measure::Packets)),
            Cell::byte_rate(rate(Measure::Bytes)),
            Cell::rate(rate(Measure::Dropped)),
            Cell::text(format!("{} {} {}", service.vip, service.ports, service.protocol)),
            Cell::text(service.scheduler.to_string()),
            Cell::count(service.new_flows),
            Cell::count(service.packets),
            Cell::bytes(service.bytes),
            Cell::count(service.dropped),
            Cell::count(service.unknown_flows),
        ];
        Row { of: Subject::Series(of.clone()), cells, alarming: service.ready == 0 }
    });
    let columns = vec![
        "SERVICE",
        "READY",
        "NEW",
        "LIVE",
        "PACKETS",
        "BYTES",
        "DROPPED",
        "VIP",
        "SCHEDULER",
        "ALL NEW",
        "ALL PACKETS",
        "ALL BYTES",
        "ALL DROPPED",
        "UNKNOWN FLOWS",
    ];
    Sheet { columns, rows: rows.collect() }
}

pub(super) fn backends(snapshot: &Snapshot, measured: &Measured) -> Sheet {
    let rows = snapshot.backends.iter().map(|backend| {
        let of = SeriesOf::Backend { service: backend.service.clone(), backend: backend.name.clone() };
        let rate = |measure| measured.get(measure, &of);
        let cells = vec![
            Cell::text(&backend.service),
            Cell::text(&backend.name),
            Cell::text(backend.state.to_string()),
            Cell::rate(rate(Measure::NewFlows)),
            Cell::count(backend.live_flows),
            Cell::share(backend.share),
            Cell::rate(rate(Measure::Packets)),
            Cell::byte_rate(rate(Measure::Bytes)),
            Cell::count(backend.weight.into()),
            Cell::text(backend.health.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)),
            Cell::text(backend.address.to_string()),
            Cell::count(backend.new_flows),
            Cell::count(backend.packets),
            Cell::bytes(backend.bytes),
            Cell::text(backend.reason.clone().unwrap_or_default()),
        ];
        Row { of: Subject::Series(of.clone()), cells, alarming: backend.state != BackendState::Ready }
    });
    let columns = vec![
        "SERVICE",
        "BACK-END",
        "STATE",
        "NEW",
        "LIVE",
        "SHARE",
        "PACKETS",
        "BYTES",
        "WEIGHT",
        "HEALTH",
        "ADDRESS",
        "ALL NEW",
        "ALL PACKETS",
        "ALL BYTES",
        "REASON",
    ];
    Sheet { columns, rows: rows.collect() }
}

pub(super) fn flows(list: Option<&FlowList>) -> Sheet {
    let row = |(number, flow): (usize, &FlowStatus)| {
        let (client, vip, protocol) = match &flow.tuple {
            Some(tuple) => (tuple.client.to_string(), tuple.vip.to_string(), tuple.protocol.to_string()),
            // Whose it is is not kept.
            None => (format!("unknown {}", number + 1), "-".to_owned(), "-".to_owned()),
        };
        let subject = Subject::Flow(format!("{protocol} {client} {vip}"));
        let cells = vec![
            Cell::text(client),
            Cell::text(&flow.backend),
            Cell::text(flow.state.to_string()),
            Cell::seconds(flow.idle_s),
            Cell::seconds(flow.expires_in_s),
            Cell::text(&flow.service),
            Cell::text(vip),
            Cell::text(protocol),
        ];
        Row { of: subject, cells, alarming: false }
    };
    let columns = vec!["CLIENT", "BACK-END", "STATE", "SILENT", "EXPIRES IN", "SERVICE", "VIP", "PROTOCOL"];
    let rows = list.into_iter().flat_map(|list| list.flows.iter().enumerate()).map(row);
    Sheet { columns, rows: rows.collect() }
}

pub(super) fn drops(snapshot: &Snapshot, measured: &Measured) -> Sheet {
    let dropped = snapshot.verdicts.iter().filter(|verdict| verdict.action == "dropped");
    let rows = dropped.map(|verdict| {
        let of = SeriesOf::Reason { reason: verdict.reason.clone() };
        let rate = measured.get(Measure::Dropped, &of);
        let cells = vec![
            Cell::text(&verdict.reason),
            Cell::rate(rate),
            Cell::count(verdict.packets),
            Cell::bytes(verdict.bytes),
        ];
        Row { of: Subject::Series(of), cells, alarming: rate.is_some_and(|rate| rate > 0.0) }
    });
    Sheet { columns: vec!["REASON", "PACKETS", "ALL PACKETS", "ALL BYTES"], rows: rows.collect() }
}
