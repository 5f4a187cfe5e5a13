//! The vector files. `vectors/README.md` describes them for people.

mod backend;
mod expectation;
mod key_files;
mod network;
mod setup;
mod tallies;

pub use expectation::Expectation;
pub(crate) use expectation::verdict_name;
pub use setup::{Resolved, ResolvedBackend, Setup};
pub use tallies::{BackendTally, ServiceTally, Tallies, VerdictTally};

use crate::packet::{Bytes, Link, Packet};
use anyhow::{Context, Error, Result, anyhow, bail};
use lb_common::abi::{Ticks, ticks};
use serde::Deserialize;
use std::fs;
use std::path::Path;
use toml::Value;

/// A file of cases about one topic.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// The setup of the cases that have none of their own.
    setup: Option<Setup>,
    #[serde(rename = "case")]
    cases: Vec<Case>,
}

/// A piece of traffic, and what should become of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// Its name among the tests: `tcp::new-connection` for the case `new-connection` in `tcp.toml`.
    pub name: String,
    /// What the agent has set up when the case begins; without it, the case begins before the agent.
    pub setup: Option<Setup>,
    /// What happens, one after the other.
    pub steps: Vec<Step>,
    /// Counters that the case is about, as they should be at the end. All others are checked too: they follow from the steps.
    #[serde(default)]
    pub counters: Tallies,
}

/// One thing that happens.
#[derive(Deserialize)]
#[serde(try_from = "StepText")]
pub enum Step {
    /// A packet comes in.
    Packet {
        /// The frame.
        frame: Vec<u8>,
        /// What should become of it.
        expect: Expectation,
        /// The frame that should come out, if not the one that follows from the expectation.
        out: Option<Out>,
    },
    /// Time passes without packets. The agent looks after the maps at its end, as it does every so often.
    Wait(Ticks),
    /// The agent gets another configuration, or the network changes.
    Setup(Setup),
}

/// The frame that should come out.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
pub enum Out {
    /// Byte by byte.
    Bytes(Vec<u8>),
    /// As a packet in the notation of those that come in.
    Packet(Box<Packet>),
}

impl Out {
    /// The frame, when `came_in` came in. It has the Ethernet header `link` if it does not say otherwise.
    ///
    /// # Errors
    /// When there can be no such packet.
    pub fn frame(&self, came_in: &[u8], link: &Link) -> Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Packet(packet) => packet.outgoing(link, came_in).context("out"),
        }
    }
}

impl TryFrom<Value> for Out {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::String(text) => Ok(Self::Bytes(Bytes::try_from(text)?.0)),
            value => Ok(Self::Packet(value.try_into()?)),
        }
    }
}

/// The shape of a step in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct StepText {
    packet: Option<Packet>,
    frame: Option<Bytes>,
    expect: Option<Expectation>,
    out: Option<Out>,
    wait: Option<String>,
    setup: Option<Setup>,
}

impl TryFrom<StepText> for Step {
    type Error = Error;

    fn try_from(text: StepText) -> Result<Self> {
        let StepText { packet, frame, expect, out, wait, setup } = text;
        match (packet, frame, expect, wait, setup) {
            (Some(packet), None, Some(expect), None, None) => {
                // The file's reader shows only the outermost message of an error.
                let frame = packet.frame().map_err(|error| anyhow!("{error:#}"))?;
                Ok(Self::Packet { frame, expect, out })
            }
            (None, Some(Bytes(frame)), Some(expect), None, None) => Ok(Self::Packet { frame, expect, out }),
            (None, None, None, Some(wait), None) if out.is_none() => {
                let wait =
                    humantime::parse_duration(&wait).with_context(|| format!("wait: {wait:?} is not a duration"))?;
                Ok(Self::Wait(ticks(u64::try_from(wait.as_nanos())?)))
            }
            (None, None, None, None, Some(setup)) if out.is_none() => Ok(Self::Setup(setup)),
            _ => bail!("a step has a packet or a frame with expect, or else one of wait and setup"),
        }
    }
}

/// The cases of all files in the folder `vectors`.
///
/// # Errors
/// When one cannot be read, or is not in the format.
pub fn load_all() -> Result<Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut cases = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            cases.extend(load(&path).with_context(|| path.display().to_string())?);
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some([one, _]) = cases.array_windows().find(|[one, other]| one.name == other.name) {
        bail!("there are two cases {}", one.name);
    }
    Ok(cases)
}

fn load(path: &Path) -> Result<Vec<Case>> {
    let File { setup, cases } = toml::from_str(&fs::read_to_string(path)?)?;
    let topic = path.file_stem().unwrap_or_default().display();
    let complete = |case: Case| Case {
        name: format!("{topic}::{}", case.name),
        setup: case.setup.or_else(|| setup.clone()),
        ..case
    };
    Ok(cases.into_iter().map(complete).collect())
}
