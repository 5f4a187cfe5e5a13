//! The packet logic on the host.

use super::{Action, Subject};
use anyhow::Result;
use lb_common::abi::Ticks;
use lb_user::dataplane::memory::MemoryDataplane;

impl Subject for MemoryDataplane {
    type Dataplane = Self;

    fn dataplane(&mut self) -> &mut Self {
        self
    }

    /// Where to is not known: nothing is sent on the host.
    fn process(&mut self, frame: &mut Vec<u8>) -> Result<Option<Action>> {
        self.run(frame);
        Ok(None)
    }

    fn pass_time(&mut self, ticks: Ticks) -> Result<()> {
        self.wait(ticks);
        Ok(())
    }
}
