//! What should become of a packet: `forwarded new-flow to web/server-1`, `passed no-service`, `dropped no-backend of web`.

use anyhow::{Context, Error, Result};
use lb_common::verdict::Verdict;
use serde::Deserialize;

/// What should become of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Expectation {
    /// The verdict, about no service in particular: the vectors know services by name only.
    pub verdict: Verdict,
    /// The service that the packet counts for: `web`.
    pub service: Option<String>,
    /// The service and the back-end that a forwarded packet goes to: `web/server-1`.
    pub backend: Option<String>,
}

/// The verdict in the words of the vectors: `forwarded new-flow`.
pub(crate) fn verdict_name(verdict: Verdict) -> String {
    format!("{} {}", verdict.action(), verdict.name())
}

impl TryFrom<String> for Expectation {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let (verdict, service, backend) = match words[..] {
            [action, name] if action != "forwarded" => (known(action, name), None, None),
            [action, name, "of", service] if action != "forwarded" && action != "passed" => {
                (known(action, name), Some(service), None)
            }
            ["forwarded", name, "to", backend] => {
                let service = backend.split_once('/').map(|(service, _)| service);
                (known("forwarded", name).filter(|_| service.is_some()), service, Some(backend))
            }
            _ => (None, None, None),
        };
        let verdict = verdict.with_context(|| {
            format!(
                "{text:?} is not an expectation, as \"forwarded new-flow to web/server-1\", \"passed no-service\" or \
                 \"dropped no-backend of web\""
            )
        })?;
        Ok(Self { verdict, service: service.map(str::to_owned), backend: backend.map(str::to_owned) })
    }
}

/// The verdict with this name.
fn known(action: &str, name: &str) -> Option<Verdict> {
    Verdict::all().find(|verdict| (verdict.action(), verdict.name()) == (action, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_found_by_its_name() {
        for verdict in Verdict::all() {
            let rest = if verdict.action() == "forwarded" { " to web/server-1" } else { "" };
            let expectation = Expectation::try_from(verdict_name(verdict) + rest);
            assert_eq!(expectation.expect("an expectation").verdict, verdict);
        }
    }

    #[test]
    fn an_expectation_says_whom_the_packet_counts_for() {
        let cases = [
            ("forwarded new-flow to web/server-1", "forwarded new-flow", Some("web"), Some("web/server-1")),
            ("passed no-service", "passed no-service", None, None),
            ("dropped no-backend of web", "dropped no-backend", Some("web"), None),
            ("dropped no-backend", "dropped no-backend", None, None),
        ];
        for (text, verdict, service, backend) in cases {
            let expectation = Expectation::try_from(text.to_owned()).expect(text);
            assert_eq!(verdict_name(expectation.verdict), verdict);
            assert_eq!((expectation.service.as_deref(), expectation.backend.as_deref()), (service, backend));
        }
    }

    #[test]
    fn what_is_no_expectation_is_refused() {
        let texts = [
            "forwarded new-flow",
            "forwarded new-flow to web",
            "forwarded no-service to web/server-1",
            "passed no-service of web",
            "dropped no-service",
            "dropped",
        ];
        for text in texts {
            assert!(Expectation::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
