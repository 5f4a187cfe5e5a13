//! What is asked of the agent, each with the way back for the answer. Whoever asked may be gone by then.

use super::types::{
    ApplyRequest, BackendStatus, CaptureRequest, Event, ExplainRequest, Explanation, FlowFilter, FlowList, Generation,
    History, HistoryRequest, OverrideAnswer, OverrideRequest, PlanReport, RevokeRequest, RingStatus, RollbackRequest,
    RotateRequest, Samples, ServiceStatus, Snapshot, Status, Stop, TopBy, TopFlows, TraceLine, TraceRequest, Traffic,
    VerdictCounter,
};
use super::{CapturedPacket, Refused};
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Anything that is asked.
#[derive(Debug)]
pub enum Query {
    /// To say something.
    Question(Question),
    /// To do something.
    Order(Order),
    /// To end.
    Stop(Stop, oneshot::Sender<Result<(), Refused>>),
}

/// What changes nothing.
#[derive(Debug)]
pub enum Question {
    /// How is the agent?
    Status(oneshot::Sender<Status>),
    /// What does it balance?
    Services(oneshot::Sender<Result<Vec<ServiceStatus>, String>>),
    /// Who answers?
    Backends(oneshot::Sender<Result<Vec<BackendStatus>, String>>),
    /// What became of the packets?
    Counters(oneshot::Sender<Result<Vec<VerdictCounter>, String>>),
    /// Which flows are remembered?
    Flows(FlowFilter, oneshot::Sender<Result<FlowList, Refused>>),
    /// Who has most of them?
    TopFlows(TopBy, FlowFilter, oneshot::Sender<Result<TopFlows, Refused>>),
    /// Where would a packet go, and why?
    Explain(ExplainRequest, oneshot::Sender<Result<Explanation, Refused>>),
    /// What becomes of packets as they come?
    Trace(TraceRequest, oneshot::Sender<Result<mpsc::Receiver<TraceLine>, Refused>>),
    /// Which packets come, and what becomes of them?
    Capture(CaptureRequest, oneshot::Sender<Result<mpsc::Receiver<CapturedPacket>, Refused>>),
    /// What can be gone back to?
    Generations(oneshot::Sender<Vec<Generation>>),
    /// What kind of traffic is there?
    Traffic(oneshot::Sender<Result<Traffic, String>>),
    /// What do samples of it show?
    Samples(oneshot::Sender<Samples>),
    /// How did things go?
    History(HistoryRequest, oneshot::Sender<Result<History, Refused>>),
    /// How is everything, at one moment?
    Snapshot(oneshot::Sender<Result<Snapshot, String>>),
    /// And how will it be, each second from now on?
    Live(oneshot::Sender<watch::Receiver<Option<Arc<Snapshot>>>>),
    /// How do the rings of ticket keys stand?
    Tickets(oneshot::Sender<Vec<RingStatus>>),
    /// What happened, and what happens from now on?
    Events(oneshot::Sender<(Vec<Event>, broadcast::Receiver<Event>)>),
}

/// What may change something.
#[derive(Debug)]
pub enum Order {
    /// Say what a configuration would change.
    Plan(ApplyRequest, oneshot::Sender<Result<PlanReport, Refused>>),
    /// Follow another configuration.
    Apply(ApplyRequest, oneshot::Sender<Result<PlanReport, Refused>>),
    /// Follow a former one again.
    Rollback(RollbackRequest, oneshot::Sender<Result<PlanReport, Refused>>),
    /// Treat a back-end otherwise than the configuration says.
    Override(OverrideRequest, oneshot::Sender<Result<OverrideAnswer, Refused>>),
    /// Shift a ring of ticket keys before its time.
    RotateTickets(RotateRequest, oneshot::Sender<Result<RingStatus, Refused>>),
    /// Replace all keys of a ring.
    RevokeTickets(RevokeRequest, oneshot::Sender<Result<RingStatus, Refused>>),
}
