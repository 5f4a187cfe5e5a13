//! What goes over the control socket, as JSON. The command line shows the same values as tables.

mod backend;
mod change;
mod counters;
mod event;
mod explain;
mod flows;
mod overriding;
mod service;
mod status;
mod stop;
mod tickets;
mod trace;

pub use backend::*;
pub use change::*;
pub use counters::*;
pub use event::*;
pub use explain::*;
pub use flows::*;
pub use overriding::*;
pub use service::*;
pub use status::*;
pub use stop::*;
pub use tickets::*;
pub use trace::*;
