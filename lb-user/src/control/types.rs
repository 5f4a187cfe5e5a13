//! What goes over the control socket, as JSON. The command line shows the same values as tables.

mod backend;
mod capture;
mod change;
mod counters;
mod event;
mod explain;
mod flows;
mod history;
mod overriding;
mod samples;
mod service;
mod snapshot;
mod status;
mod stop;
mod tickets;
mod trace;
mod traffic;

pub use backend::*;
pub use capture::*;
pub use change::*;
pub use counters::*;
pub use event::*;
pub use explain::*;
pub use flows::*;
pub use history::*;
pub use overriding::*;
pub use samples::*;
pub use service::*;
pub use snapshot::*;
pub use status::*;
pub use stop::*;
pub use tickets::*;
pub use trace::*;
pub use traffic::*;
