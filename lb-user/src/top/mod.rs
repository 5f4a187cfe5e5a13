//! What `handoff top` shows, and what its keys do. Free of I/O: the command asks the agent, and hands over what it and the keyboard say.
//!
//! | file | what it does |
//! |---|---|
//! | `view` | the state: which tab, which row, what is typed |
//! | `measured` | rates, from snapshots |
//! | `histories` | how they went |
//! | `sheet`, `sheets` | a table that can be sorted and filtered; those of the tabs |
//! | `draw` | all of it on a terminal |

mod draw;
mod histories;
mod measured;
mod sheet;
mod sheets;
#[cfg(test)]
pub(crate) mod testing;
mod view;

pub use draw::draw;
pub use view::{Order, View};
