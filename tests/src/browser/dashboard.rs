use super::{Look, Page};
use crate::scene::{Scene, Strays};
use anyhow::{Result, ensure};
use lb_user::lab::{Agent, Load, Node};
use std::ops::Deref;
use std::path::Path;

/// Graphs that have values over time.
const CHARTS: [&str; 4] = ["traffic", "new-flows", "active-flows", "drops"];

/// The dashboard of a scene's agent, logged in, with traffic to show.
pub struct Dashboard {
    page: Page,
    /// The agent.
    pub agent: Agent,
    load: Load,
    strays: Strays,
}

impl Deref for Dashboard {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Dashboard {
    /// Starts agent and traffic, and opens the page.
    ///
    /// # Errors
    /// When something of that does not work.
    pub fn open(scene: &Scene) -> Result<Self> {
        let agent = scene.start_agent()?;
        let load = scene.start_load(200)?;
        let strays = Strays::start(&scene.namespace(Node::Client))?;
        let page = Page::open(&scene.stage().dashboard().url()?)?;
        Ok(Self { page, agent, load, strays })
    }

    /// Waits until every graph has data.
    ///
    /// # Errors
    /// When one gets none.
    pub fn wait_for_data(&self) -> Result<()> {
        for chart in CHARTS {
            self.wait_for(&format!(
                "document.querySelector('#{chart} .plot')?.dataset.points >= 5 && document.querySelector('#{chart} .u-over') && [...document.querySelectorAll('#{chart} [data-value]')].some((it) => Number(it.dataset.value) > 0)"
            ))?;
        }
        for bars in ["distribution", "sizes", "talkers"] {
            self.wait_for(&format!(
                "[...document.querySelectorAll('#{bars} [data-bar]')].some((it) => Number(it.dataset.value) > 0)"
            ))?;
        }
        self.wait_for("document.querySelectorAll('#health .lane .ready').length >= 3")?;
        self.wait_for("document.querySelectorAll('#services .strip span').length >= 3")?;
        self.wait_for("document.querySelector('#tickets table')")
    }

    /// Saves a picture for each look in `folder`.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn screenshots(&self, folder: &Path) -> Result<()> {
        for look in Look::ALL {
            self.look(look)?;
            self.screenshot(&folder.join(format!("dashboard-{}.png", look.name())))?;
        }
        self.look(Look::Light)
    }

    /// Ends the traffic; returns the page with an agent that has nothing to do.
    ///
    /// # Errors
    /// When a request has failed.
    pub fn quiet(self) -> Result<(Page, Agent)> {
        drop(self.strays);
        let tally = self.load.finish()?;
        ensure!(tally.ok > 0 && tally.failed() == 0, "requests failed: {tally:?}");
        Ok((self.page, self.agent))
    }
}
