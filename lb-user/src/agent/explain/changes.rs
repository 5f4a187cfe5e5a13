use super::Account;
use super::steps::duration;
use crate::dataplane::rehearsal::Note;
use lb_common::abi::{Scheduler, Service};
use lb_common::flow_table::FlowRecord;
use lb_common::verdict::{Answered, Dropped, Forwarded, Passed, Verdict};

impl Account<'_> {
    /// What would change the outcome.
    pub(super) fn changes(&self) -> Vec<String> {
        match self.outcome.verdict {
            Verdict::Forwarded(how) => self.forwarded(how),
            Verdict::Answered(Answered::Echo | Answered::TooBig, _) => Vec::new(),
            Verdict::Passed(why) => vec![passed(why).to_owned()],
            Verdict::Dropped(why, _) => vec![dropped(why).to_owned()],
        }
    }

    fn forwarded(&self, how: Forwarded) -> Vec<String> {
        let backend = self.to.map_or("the back-end", |way| way.backend.as_str());
        match how {
            Forwarded::Remembered => {
                let silent = self.record().map(|record| {
                    let remaining = duration(self.remaining(record));
                    format!("{remaining} of silence: then the flow may be forgotten, and begins anew")
                });
                let removed = format!("the removal of {backend}: its flows end after the removal grace");
                silent.into_iter().chain([removed]).collect()
            }
            Forwarded::NewFlow | Forwarded::OnePacket => {
                self.found_service().map(|it| scheduled(&it, backend)).into_iter().flatten().collect()
            }
            Forwarded::Affinity => vec![
                "the end of the affinity window: then the scheduler decides".to_owned(),
                format!(
                    "the removal of {backend}, or more than its share of load (max-load): then the scheduler decides"
                ),
            ],
            Forwarded::UnknownFlow | Forwarded::TableFull | Forwarded::Flood => {
                vec!["a change of the set of back-ends or of their weights: the consistent ring moves few flows, this may be one".to_owned()]
            }
            Forwarded::QuicId | Forwarded::Fragment | Forwarded::EarlyFragment | Forwarded::IcmpError => Vec::new(),
        }
    }

    fn record(&self) -> Option<FlowRecord> {
        self.notes.iter().find_map(|note| match note {
            Note::Flow(record) => *record,
            _ => None,
        })
    }
}

fn scheduled(service: &Service, backend: &str) -> [String; 2] {
    let first = match service.scheduler {
        Scheduler::SOURCE_HASH => {
            "another client: this one always has this back-end, as long as the back-ends stay the same"
        }
        Scheduler::MAGLEV => {
            "another port of the client: this flow always has this back-end, as long as the back-ends stay the same"
        }
        _ => "another new flow of the service that comes first: it takes this turn, and this flow the next one",
    };
    [first.to_owned(), format!("no weight for {backend}, its removal, or no way to it: then others take its turns")]
}

fn passed(why: Passed) -> &'static str {
    match why {
        Passed::NoService => "a service with this VIP, port and protocol",
        Passed::AllDown => "a back-end of the service that passes its health check: see `handoff backends`",
        Passed::NotReady => "an agent that has finished starting",
        _ => "another packet: the balancer's own network stack is asked about this one",
    }
}

fn dropped(why: Dropped) -> &'static str {
    match why {
        Dropped::NoBackend => "a back-end of the service that can be reached: see `handoff backends`",
        Dropped::Denied => "the service's `deny` or `deny-file` without this source",
        Dropped::NotAllowed => "the service's `allow` or `allow-file` with this source",
        Dropped::SourceRate => "fewer new flows of this source, or a higher `new-flow-rate-per-source`",
        Dropped::ServiceRate => "fewer new flows of the service, or a higher `new-flow-rate`",
        Dropped::NoHeadroom | Dropped::TooBig => "a larger MTU on the way to the back-end, or a smaller packet",
        _ => "another packet: there can be no such one from an honest client",
    }
}
