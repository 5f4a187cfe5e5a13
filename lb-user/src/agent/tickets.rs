//! The ticket keys of the cluster in the agent: a keeper that works by itself, and what it has to tell.

use super::Error;
use super::events::{About, Events};
use crate::config::Config;
use crate::control::types::EventKind;
use crate::tickets::keeper::Notice;
use crate::tickets::{Keeper, protect};
use std::future;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// The keeper at work. It ends with this.
pub(super) struct Tickets {
    pub(super) keeper: Keeper,
    notices: mpsc::Receiver<Notice>,
    task: AbortHandle,
}

impl Tickets {
    /// Keeps the rings of the configuration, if it has any.
    pub(super) fn start(config: &Config) -> Result<Option<Self>, Error> {
        let Some(tickets) = &config.tickets else { return Ok(None) };
        protect().map_err(Error::Unprotected)?;
        let (keeper, notices) = Keeper::open(config, tickets)?;
        let task = tokio::spawn(keeper.start(tickets)?).abort_handle();
        Ok(Some(Self { keeper, notices, task }))
    }
}

impl Drop for Tickets {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The next thing that the keeper has to tell, if there is one.
pub(super) async fn notice(tickets: &mut Option<Tickets>) -> Notice {
    let told = match tickets {
        Some(tickets) => tickets.notices.recv().await,
        None => None,
    };
    // The keeper ends with the agent.
    match told {
        Some(notice) => notice,
        None => future::pending().await,
    }
}

/// Makes an event of it.
pub(super) fn tell(notice: Notice, events: &mut Events) {
    if notice.alarming {
        events.warn(EventKind::Tickets, About::All, notice.message);
    } else {
        events.info(EventKind::Tickets, About::All, notice.message);
    }
}
