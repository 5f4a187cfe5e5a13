use crate::bpf::Pins;
use crate::config::Config;
use crate::control::types::{BackendStatus, ServiceStatus, VerdictCounter};
use crate::control::{Client, Error};
use crate::doctor::agent::{Agent, Answer};
use std::time::Duration;
use tokio::time::timeout;

/// How long the agent may take for an answer: it gives them between two changes.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a running agent tells of its work.
pub(in crate::doctor) struct Told {
    pub(in crate::doctor) services: Vec<ServiceStatus>,
    pub(in crate::doctor) backends: Vec<BackendStatus>,
    pub(in crate::doctor) verdicts: Vec<VerdictCounter>,
}

/// The agent of the configuration, and what it tells.
pub(in crate::doctor) async fn agent(config: &Config, pins: &Pins) -> (Agent, Option<Told>) {
    let client = Client::new(&config.control_socket);
    let (answer, told) = match ask(client.status()).await {
        Ok(status) => match tell(&client).await {
            Ok(told) => (Answer::Status(Box::new(status)), Some(told)),
            Err(answer) => (answer, None),
        },
        Err(answer) => (answer, None),
    };
    (Agent { answer, other_layouts: pins.other_layouts() }, told)
}

async fn tell(client: &Client) -> Result<Told, Answer> {
    Ok(Told {
        services: ask(client.services()).await?,
        backends: ask(client.backends()).await?,
        verdicts: ask(client.counters()).await?,
    })
}

async fn ask<T>(question: impl Future<Output = Result<T, Error>>) -> Result<T, Answer> {
    let answer = timeout(PATIENCE, question).await.map_err(|_| Answer::Silent)?;
    answer.map_err(|error| match error {
        Error::Denied { .. } => Answer::Denied(error.to_string()),
        Error::Answer { .. } => Answer::Strange(error.to_string()),
        _ => Answer::Absent(error.to_string()),
    })
}
