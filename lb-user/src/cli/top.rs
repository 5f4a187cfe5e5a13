use super::AgentAt;
use crate::agent::signals::Signals;
use crate::control::types::{FlowFilter, FlowList, HistoryRequest, OverrideAnswer, Snapshot};
use crate::control::{Client, Error};
use crate::top::{Order, View, draw};
use anyhow::bail;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use std::io::{IsTerminal, stdin, stdout};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often the agent is asked.
const PERIOD: Duration = Duration::from_secs(1);
/// When an agent that says nothing counts as gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of the past the graphs begin with, in seconds.
const PAST_S: u64 = 300;
/// How many flows are shown, at most.
const FLOWS: u32 = 500;

/// The agent's numbers, live, in this terminal: services, back-ends, flows and drops, how they went, and draining back-ends.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff top\n\nPress ? for the keys. NO_COLOR=1 shows it without colours.")]
pub(super) struct Args {
    #[command(flatten)]
    agent: AgentAt,
}

/// What happened.
enum News {
    Terminal(Event),
    /// Or why there is none.
    Snapshot(Result<Box<Snapshot>, String>),
    Flows(Result<FlowList, Error>),
    Said(Result<OverrideAnswer, Error>),
    /// The process is to end.
    Told,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!("handoff top needs a terminal: use `handoff services --json` and `handoff backends --json` in programs");
    }
    super::wait(watch(args.agent.client()))??;
    Ok(ExitCode::SUCCESS)
}

async fn watch(client: Client) -> anyhow::Result<()> {
    let snapshot = client.snapshot().await?;
    // Without a past the graphs begin now.
    let history = client.history(&HistoryRequest { since_s: PAST_S, measure: None, service: None }).await.ok();
    let mut view = View::new(snapshot, history, Instant::now());
    let (sender, mut news) = channel(16);
    tokio::spawn(tell_signals(Signals::catch()?, sender.clone()));
    tokio::spawn(tell_snapshots(client.clone(), sender.clone()));
    // From here on a panic restores the terminal as well.
    let mut terminal = ratatui::try_init()?;
    let keys = sender.clone();
    thread::spawn(move || tell_keys(&keys));
    let outcome = show(&mut terminal, &mut view, &client, &sender, &mut news).await;
    ratatui::try_restore()?;
    outcome
}

/// Draws after each piece of news, until one says that it is enough.
async fn show(
    terminal: &mut DefaultTerminal,
    view: &mut View,
    client: &Client,
    sender: &Sender<News>,
    news: &mut Receiver<News>,
) -> anyhow::Result<()> {
    loop {
        terminal.draw(|frame| draw(view, frame))?;
        match news.recv().await {
            None | Some(News::Told) => return Ok(()),
            Some(News::Terminal(Event::Key(key))) => match view.press(key) {
                Some(Order::Quit) => return Ok(()),
                Some(Order::Say(request)) => {
                    let (client, sender) = (client.clone(), sender.clone());
                    tokio::spawn(async move { sender.send(News::Said(client.say(&request).await)).await });
                }
                None => {}
            },
            // The size has changed, and is asked for when it is drawn.
            Some(News::Terminal(_)) => {}
            Some(News::Snapshot(answer)) => {
                match answer {
                    Ok(snapshot) => view.update(*snapshot, Instant::now()),
                    Err(reason) => view.lose(reason),
                }
                if view.wants_flows() {
                    let (client, sender) = (client.clone(), sender.clone());
                    tokio::spawn(async move { sender.send(News::Flows(flows(&client).await)).await });
                }
            }
            Some(News::Flows(Ok(flows))) => view.update_flows(flows),
            // The next snapshot fails as well, and says why.
            Some(News::Flows(Err(_))) => {}
            Some(News::Said(Ok(OverrideAnswer { backends, failure }))) => {
                let names = backends.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                view.notify(match failure {
                    None => format!("noted for {names}"),
                    Some(failure) => format!("noted for {names}, but the data plane does not follow yet: {failure}"),
                });
            }
            Some(News::Said(Err(error))) => view.notify(error.to_string()),
        }
    }
}

async fn flows(client: &Client) -> Result<FlowList, Error> {
    client.flows(&FlowFilter { client: None, service: None, backend: None, state: None, limit: FLOWS }).await
}

async fn tell_signals(mut signals: Signals, sender: Sender<News>) {
    signals.received().await;
    // Whoever listened has ended already; so it is below.
    let _ = sender.send(News::Told).await;
}

async fn tell_snapshots(client: Client, sender: Sender<News>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first one comes at once, and there is a snapshot already.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let answer = match timeout(PATIENCE, client.snapshot()).await {
            Ok(answer) => answer.map(Box::new).map_err(|error| error.to_string()),
            Err(_) => Err(format!("it has not answered for {} s", PATIENCE.as_secs())),
        };
        if sender.send(News::Snapshot(answer)).await.is_err() {
            return;
        }
    }
}

/// Reads the keyboard, which blocks, until nobody wants to know any more.
fn tell_keys(sender: &Sender<News>) {
    while let Ok(event) = event::read() {
        if sender.blocking_send(News::Terminal(event)).is_err() {
            return;
        }
    }
    let _ = sender.blocking_send(News::Told);
}
