use super::super::core::Known;
use crate::config::{BackendName, Prefix};
use crate::control::Refused;
use crate::control::types::{CaptureRequest, TraceRequest};
use lb_common::abi::{Address, CaptureFilter, CaptureRecord, MAX_SNAPLEN};
use lb_common::verdict::{Subject, Verdict};
use lb_common::wire::{Be16, Tcp};

/// What the program is to record for a trace.
pub(super) fn of_trace(request: &TraceRequest) -> Result<CaptureFilter, Refused> {
    let (client, client_bits) = client(request.client);
    Ok(CaptureFilter {
        verdicts: verdicts(request.verdict.as_deref())?,
        client,
        client_bits,
        vip: request.vip.map_or(Address::UNSPECIFIED, Address::from),
        port: Be16::new(request.port.unwrap_or(0)),
        protocol: request.protocol.map_or(0, |protocol| protocol.number().into()),
        rate: request.rate.clamp(1, TraceRequest::MAX_RATE),
        ..CaptureFilter::OFF
    })
}

/// What the program is to record for a capture.
pub(super) fn of_capture(known: &Known, request: &CaptureRequest) -> Result<CaptureFilter, Refused> {
    let (client, client_bits) = client(request.client);
    let snaplen = request.snaplen.unwrap_or(CaptureRequest::DEFAULT_SNAPLEN);
    if !(1..=MAX_SNAPLEN).contains(&snaplen.into()) {
        return Err(Refused::invalid(format!("a snap length of {snaplen} bytes cannot be: use 1 to {MAX_SNAPLEN}")));
    }
    let slot = match &request.backend {
        None => CaptureRecord::NO_SLOT,
        Some(name) => slot(known, request.service.as_deref(), name)?,
    };
    Ok(CaptureFilter {
        flow_mask: u64::from(request.one_flow_in.unwrap_or(1).max(1)).next_power_of_two() - 1,
        verdicts: verdicts(request.verdict.as_deref())?,
        client,
        client_bits,
        vip: request.vip.map_or(Address::UNSPECIFIED, Address::from),
        port: Be16::new(request.port.unwrap_or(0)),
        source_port: Be16::new(request.source_port.unwrap_or(0)),
        protocol: request.protocol.map_or(0, |protocol| protocol.number().into()),
        flags: request.flags.as_deref().map_or(Ok(0), flags)?,
        service: request.service.as_deref().map_or(Ok(Subject::VIP.0), |name| service(known, name))?,
        slot,
        rate: request.rate.unwrap_or(CaptureRequest::DEFAULT_RATE).clamp(1, CaptureRequest::MAX_RATE),
        snaplen,
        host: request.host.map_or(Address::UNSPECIFIED, Address::from),
        either_port: Be16::new(request.either_port.unwrap_or(0)),
        ..CaptureFilter::OFF
    })
}

/// A prefix as the program compares it: IPv4 addresses are mapped.
fn client(prefix: Option<Prefix>) -> (Address, u32) {
    let Some(prefix) = prefix else { return (Address::UNSPECIFIED, 0) };
    let family_bits = if prefix.address.is_ipv4() { 96 } else { 0 };
    (prefix.address.into(), family_bits + u32::from(prefix.len))
}

/// The verdicts with this name or of this kind, as bits.
fn verdicts(name: Option<&str>) -> Result<[u64; 2], Refused> {
    let Some(name) = name else { return Ok([u64::MAX; 2]) };
    let named = Verdict::all().filter(|verdict| verdict.name() == name || verdict.action() == name);
    let bits = named.fold(0u128, |bits, verdict| bits | 1 << verdict.number());
    if bits == 0 {
        let reason = format!(
            "no verdict is called {name:?}: use forwarded, answered, passed, dropped, or a reason that `handoff counters --all` shows"
        );
        return Err(Refused::invalid(reason));
    }
    Ok([bits as u64, (bits >> 64) as u64])
}

/// TCP flags by their names.
fn flags(text: &str) -> Result<u16, Refused> {
    let mut bits = text.split(',').map(|name| match name.trim() {
        "syn" => Ok(Tcp::SYN),
        "ack" => Ok(Tcp::ACK),
        "fin" => Ok(Tcp::FIN),
        "rst" => Ok(Tcp::RST),
        "psh" => Ok(Tcp::PSH),
        other => Err(Refused::invalid(format!("no TCP flag is called {other:?}: use syn, ack, fin, rst, psh"))),
    });
    bits.try_fold(0, |all, bit| Ok(all | u16::from(bit?)))
}

/// The number of a service.
fn service(known: &Known, name: &str) -> Result<u32, Refused> {
    let service = known.config.services.iter().find(|service| service.name == name);
    let unknown = || Refused::invalid(format!("no service is called {name:?}: `handoff services` lists them"));
    let service = service.ok_or_else(unknown)?;
    let observed = known.observed.services.get(&service.key());
    let absent = || Refused::failed(format!("service {name:?} is not in the maps: see `handoff status`"));
    Ok(observed.ok_or_else(absent)?.service.id)
}

/// The slot of a back-end, whose name may be that of others in other services.
fn slot(known: &Known, service: Option<&str>, name: &str) -> Result<u16, Refused> {
    let mut found = Vec::new();
    for of in known.config.services.iter().filter(|of| service.is_none_or(|service| of.name == service)) {
        found.extend(of.backends.iter().filter(|backend| backend.name == name).map(|backend| (of, backend)));
    }
    let (service, backend) = match found[..] {
        [one] => one,
        [] => {
            let reason = format!("no back-end is called {name:?}: `handoff backends` lists them");
            return Err(Refused::invalid(reason));
        }
        [(first, _), ..] => {
            let reason = format!(
                "back-end {name:?} is in {} services: name one of them as well, as {:?}",
                found.len(),
                first.name
            );
            return Err(Refused::invalid(reason));
        }
    };
    let id = known.observed.services.get(&service.key()).map(|service| service.service.id);
    let slots = known.observed.slots();
    let slot = id.and_then(|id| slots.get(&(id, Address::from(backend.address))));
    let absent =
        || Refused::failed(format!("{} is not in the maps: see `handoff status`", BackendName::of(service, backend)));
    slot.copied().ok_or_else(absent)
}
