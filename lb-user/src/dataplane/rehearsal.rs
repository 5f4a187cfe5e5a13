//! A decision without consequences: the packet logic over copies of what it looks up, and a note of each look-up. What it would change
//! changes in the copies, and ends with them.

use super::View;
use super::packet::Packet;
use crate::bpf::Error;
use elsa::FrozenVec;
use lb_common::abi::{
    AccessKey, Action, Address, Backend, BackendCounters, Limiter, PortsKey, QuicKey, QuicServer, QuicServerKey,
    Service, ServiceCounters, ServiceKey, Settings, SourceKey, Ticks, TrafficClass,
};
use lb_common::atomic::SharedWord;
use lb_common::datapath::{Calls, Outcome, Plan, process};
use lb_common::flow_table::{Bucket, FlowRecord, bucket_index};
use lb_common::frame::Frame;
use lb_common::quic::QuicConfig;
use lb_common::tables::{Counters, Flow, FlowTable, Tables};
use lb_common::verdict::Verdict;
use lb_common::wire::Be16;
use std::cell::{OnceCell, RefCell};

/// What was looked up, and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The flow, in the flow table.
    Flow(Option<FlowRecord>),
    /// The service with this key.
    Service(ServiceKey, Option<Service>),
    /// The source, in the service's access list.
    Access(Option<Action>),
    /// How much was let through of what is limited.
    Limiter(Limiter),
    /// Whether one more new flow of the source was within its rate.
    Source(bool),
    /// The client, in the memory of affinity.
    Client(Option<FlowRecord>),
    /// The number of the service's next turn.
    Turn(u64),
    /// The back-end slot at a ring position.
    Ring(u32, Option<u16>),
    /// Whether there is room to remember the flow.
    Remembered(bool),
}

/// Decides on the packet in `frame`, which comes in by the interface `ingress`, as the data plane would at this moment; also what was
/// looked up for that, each once.
///
/// # Errors
/// When the data plane does not show what it holds.
pub fn rehearse<V: View>(view: &V, ingress: u32, frame: &[u8]) -> Result<(Outcome, Vec<Note>), Error> {
    let rehearsal = Rehearsal {
        view,
        settings: view.settings()?,
        ingress,
        services: FrozenVec::new(),
        backends: FrozenVec::new(),
        words: FrozenVec::new(),
        notes: RefCell::default(),
        failure: OnceCell::new(),
    };
    let outcome = process(&rehearsal, &mut Packet::of(frame));
    match rehearsal.failure.into_inner() {
        Some(error) => Err(error),
        None => Ok((outcome, rehearsal.notes.into_inner())),
    }
}

struct Rehearsal<'v, V> {
    view: &'v V,
    settings: Settings,
    ingress: u32,
    // Copies of what was looked up.
    services: FrozenVec<Box<Service>>,
    backends: FrozenVec<Box<Backend>>,
    words: FrozenVec<Box<SharedWord>>,
    notes: RefCell<Vec<Note>>,
    /// What kept an element from being looked up.
    failure: OnceCell<Error>,
}

impl<V: View> Rehearsal<'_, V> {
    fn note(&self, note: Note) {
        let mut notes = self.notes.borrow_mut();
        // The shortcut and the whole way look up the same.
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// What a look-up found. After a failure, the decision is worth nothing.
    fn found<T: Default>(&self, looked_up: Result<T, Error>) -> T {
        looked_up.unwrap_or_else(|error| {
            // The first one is as good as any.
            let _ = self.failure.set(error);
            T::default()
        })
    }

    fn word(&self, value: Option<u64>) -> Option<&SharedWord> {
        Some(self.words.push_get(Box::new(SharedWord::new(value?))))
    }
}

impl<V: View> Tables for Rehearsal<'_, V> {
    type Flows = Self;

    fn flows(&self) -> &Self {
        self
    }

    fn settings(&self) -> Option<&Settings> {
        Some(&self.settings)
    }

    fn ingress(&self) -> u32 {
        self.ingress
    }

    fn now(&self) -> u64 {
        self.view.now()
    }

    fn service(&self, key: &ServiceKey) -> Option<&Service> {
        let service = self.found(self.view.service(key));
        self.note(Note::Service(*key, service));
        Some(self.services.push_get(Box::new(service?)))
    }

    fn is_vip(&self, address: &Address) -> bool {
        self.found(self.view.is_vip(address))
    }

    fn ports(&self, key: &PortsKey) -> Option<Be16> {
        self.found(self.view.ports(key))
    }

    fn cursor(&self, service: u32) -> Option<&SharedWord> {
        let turn = self.found(self.view.cursor(service))?;
        self.note(Note::Turn(turn));
        self.word(Some(turn))
    }

    fn ring(&self, position: u32) -> Option<u16> {
        let slot = self.view.ring(position);
        self.note(Note::Ring(position, slot));
        slot
    }

    fn backend(&self, slot: u16) -> Option<&Backend> {
        Some(self.backends.push_get(Box::new(self.found(self.view.backend(slot))?)))
    }

    fn access(&self, key: &AccessKey) -> Option<Action> {
        let action = self.found(self.view.access(key));
        self.note(Note::Access(action));
        action
    }

    fn limiter(&self, limiter: Limiter) -> Option<&SharedWord> {
        self.note(Note::Limiter(limiter));
        self.word(self.found(self.view.limiter(limiter)))
    }

    fn source_limiter(&self, key: &SourceKey, admit: impl FnOnce(&SharedWord) -> bool) -> Option<bool> {
        let state = self.found(self.view.source_limiter(key)).unwrap_or(0);
        let admitted = admit(&SharedWord::new(state));
        self.note(Note::Source(admitted));
        Some(admitted)
    }

    /// Only datagrams with a payload have connection IDs.
    fn quic(&self, _: &QuicKey) -> Option<&QuicConfig> {
        None
    }

    fn quic_server(&self, _: &QuicServerKey) -> Option<QuicServer> {
        None
    }

    fn client(&self, settings: &Settings, hash: u64) -> Option<FlowRecord> {
        let bucket = self.view.client_bucket(bucket_index(hash, settings.client_mask));
        let client = bucket.and_then(|bucket| bucket.find(hash)).map(|(_, record)| record);
        self.note(Note::Client(client));
        client
    }

    fn remember_client(&self, _: &Settings, _: u64, _: FlowRecord, _: Ticks) {}

    /// Only whole packets are rehearsed.
    fn fragment(&self, _: u64) -> Option<FlowRecord> {
        None
    }

    fn remember_fragment(&self, _: u64, _: FlowRecord, _: Ticks) {}
}

impl<V: View> FlowTable for Rehearsal<'_, V> {
    type Place<'a>
        = ()
    where
        Self: 'a;

    fn find(&self, settings: &Settings, flow: &Flow) -> Option<((), FlowRecord)> {
        let bucket = self.view.flow_bucket(bucket_index(flow.hash, settings.bucket_mask));
        let record = bucket.and_then(|bucket| bucket.find(flow.hash)).map(|(_, record)| record);
        self.note(Note::Flow(record));
        Some(((), record?))
    }

    fn update(&self, (): &(), _: FlowRecord, _: FlowRecord) {}

    fn remember(&self, settings: &Settings, flow: &Flow, record: FlowRecord) -> bool {
        let bucket = self.view.flow_bucket(bucket_index(flow.hash, settings.bucket_mask)).map(Bucket::copy);
        let has_room = bucket.is_some_and(|bucket| bucket.remember(flow.hash, record, &settings.timeouts).is_some());
        self.note(Note::Remembered(has_room));
        has_room
    }
}

impl<V: View> Calls for Rehearsal<'_, V> {
    fn sample(&self, _: &Frame<'_>, _: u64, _: &Result<Plan<'_>, Verdict>) {}
}

/// Nothing has happened.
impl<V: View> Counters for Rehearsal<'_, V> {
    fn count_class(&self, _: TrafficClass, _: u64) -> u64 {
        0
    }

    fn count_verdict(&self, _: u32, _: u64) {}

    fn count_service(&self, _: u32, _: impl FnOnce(&mut ServiceCounters)) {}

    fn count_backend(&self, _: u16, _: impl FnOnce(&mut BackendCounters)) {}
}
