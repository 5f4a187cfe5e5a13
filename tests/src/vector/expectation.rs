//! What should become of a packet: `forwarded new-flow to web/server-1`, `passed no-service`, `dropped no-backend of web`.

use anyhow::{Context, Error, Result};
use lb_common::verdict::{Dropped, Forwarded, Passed, Verdict};
use serde::Deserialize;

/// What should become of a packet.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Expectation {
    /// It goes to a back-end.
    Forwarded {
        /// How the back-end is found.
        how: Forwarded,
        /// The service: `web`.
        service: String,
        /// The service and the back-end: `web/server-1`.
        backend: String,
    },
    /// It goes to the network stack.
    Passed(Passed),
    /// It goes nowhere.
    Dropped {
        /// Why.
        why: Dropped,
        /// The service that it was for.
        service: String,
    },
}

impl Expectation {
    /// The verdict. The vectors know services by name only: a dropped one names service 0.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Forwarded { how, .. } => Verdict::Forwarded(*how),
            Self::Passed(why) => Verdict::Passed(*why),
            Self::Dropped { why, .. } => Verdict::Dropped(*why, 0),
        }
    }
}

/// The verdict in the words of the vectors: `forwarded new-flow`.
pub(crate) fn verdict_name(verdict: Verdict) -> String {
    format!("{} {}", verdict.action(), verdict.name())
}

impl TryFrom<String> for Expectation {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["forwarded", how, "to", backend] => {
                Forwarded::ALL.into_iter().find(|known| known.name() == how).and_then(|how| {
                    let (service, _) = backend.split_once('/')?;
                    Some(Self::Forwarded { how, service: service.to_owned(), backend: backend.to_owned() })
                })
            }
            ["passed", why] => Passed::ALL.into_iter().find(|known| known.name() == why).map(Self::Passed),
            ["dropped", why, "of", service] => {
                let why = Dropped::ALL.into_iter().find(|known| known.name() == why);
                why.map(|why| Self::Dropped { why, service: service.to_owned() })
            }
            _ => None,
        }
        .with_context(|| {
            format!(
                "{text:?} is not an expectation, as \"forwarded new-flow to web/server-1\", \"passed no-service\" or \
                 \"dropped no-backend of web\""
            )
        })
    }
}
