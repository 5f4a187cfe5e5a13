//! Whether there is an agent, and how it is.

use super::{Check, Finding, Severity, worst};
use crate::control::types::Status;
use std::path::{Path, PathBuf};

/// What there is to know of the agent.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) answer: Answer,
    /// Folders of pins of other layouts of the maps, beside the agent's own.
    pub(super) other_layouts: Vec<PathBuf>,
}

/// What came of asking it.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// How it is.
    Status(Box<Status>),
    /// Nobody answers, for this reason.
    Absent(String),
    /// It has not answered in time.
    Silent,
    /// It answers in a way that this version does not understand.
    Strange(String),
    /// This process may not ask.
    Denied(String),
}

/// What is to be said of the agent that is to follow the configuration in the file `path`.
pub(super) fn findings(agent: &Agent, path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |check, found: String| findings.push(Finding::new(check, "", &[], found));
    match &agent.answer {
        Answer::Status(status) => {
            if let Some(failure) = &status.failure {
                add(Check::AgentFailing, failure.clone());
            }
            if status.version != env!("CARGO_PKG_VERSION") {
                let text = format!("the agent is {}, this command {}", status.version, env!("CARGO_PKG_VERSION"));
                add(Check::AgentOfAnotherVersion, text);
            }
            if status.config != path {
                let [its, ours] = [&status.config, path].map(Path::display);
                add(Check::AgentOfAnotherFile, format!("the agent follows {its}, examined was {ours}"));
            }
        }
        Answer::Absent(reason) => add(Check::AgentNotRunning, reason.clone()),
        Answer::Silent => add(Check::AgentSilent, "no answer to a question within some seconds".to_owned()),
        Answer::Strange(reason) => add(Check::AgentOfAnotherVersion, reason.clone()),
        Answer::Denied(reason) => add(Check::NotExamined, reason.clone()),
    }
    for folder in &agent.other_layouts {
        let folder = folder.display();
        findings.push(Finding::new(
            Check::PinsOfAnotherLayout,
            &folder,
            &[("FOLDER", &folder)],
            "pins of another version are there",
        ));
    }
    if let Answer::Status(status) = &agent.answer
        && worst(&findings) < Severity::Warning
    {
        let text = format!("version {}, process {}, follows {}", status.version, status.pid, status.config.display());
        findings.insert(0, Finding::new(Check::Agent, "", &[], text));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::types::FlowTableStatus;

    fn status() -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 7,
            uptime_s: 1,
            config: PathBuf::from("/etc/handoff/handoff.toml"),
            generation: 1,
            overrides: 0,
            pin_folder: PathBuf::from("/sys/fs/bpf/handoff"),
            abi: 1,
            interfaces: Vec::new(),
            flow_table: FlowTableStatus { capacity: 1, bytes: 16, key_bytes: 0, live: 0 },
            services: 1,
            backends: 1,
            ready: 1,
            ns_per_packet: None,
            announced: Vec::new(),
            failure: None,
        }
    }

    fn names(answer: Answer, other_layouts: &[&str]) -> Vec<&'static str> {
        let other_layouts = other_layouts.iter().map(PathBuf::from).collect();
        let found = findings(&Agent { answer, other_layouts }, Path::new("/etc/handoff/handoff.toml"));
        found.iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn an_agent_is_well_or_it_is_told_how_it_is_not() {
        let running = |change: fn(&mut Status)| {
            let mut status = status();
            change(&mut status);
            Answer::Status(Box::new(status))
        };
        assert_eq!(names(running(|_| {}), &[]), ["agent"]);
        assert_eq!(names(running(|status| status.failure = Some("full".to_owned())), &[]), ["agent-failing"]);
        assert_eq!(names(running(|status| status.version = "0.0.0".to_owned()), &[]), ["agent-of-another-version"]);
        assert_eq!(names(running(|status| status.config = "/tmp/x".into()), &[]), ["agent-of-another-file"]);
        assert_eq!(names(running(|_| {}), &["/sys/fs/bpf/handoff/v0"]), ["pins-of-another-layout"]);
        assert_eq!(names(Answer::Absent("no socket".to_owned()), &[]), ["agent-not-running"]);
        assert_eq!(names(Answer::Silent, &[]), ["agent-silent"]);
        assert_eq!(names(Answer::Strange("no field".to_owned()), &[]), ["agent-of-another-version"]);
        assert_eq!(names(Answer::Denied("you may not".to_owned()), &[]), ["not-examined"]);
    }
}
