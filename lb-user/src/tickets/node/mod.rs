//! The back-end's side: the client that takes rings of ticket keys from the agent, gives them to the web server here, and destroys keys in
//! time.
//!
//! | folder or file | what it does |
//! |---|---|
//! | `config` | what the client is told: whom to ask, for which rings, and who is to use them |
//! | `pull` | the loop of a ring |
//! | `agents` | what agents are asked, over TLS |
//! | `holder` | what is held, what is taken in its place, and what becomes of it with time; free of I/O |
//! | `target`, `driver` | gives the keys to nginx, HAProxy, Apache, Envoy, a program of the operator's, or a server in this process |

mod agents;
mod config;
mod driver;
mod holder;
mod pull;
mod target;

pub use agents::{Agents, NoAnswer};
pub use config::{Config, RingConfig};
pub use driver::{Driver, Error, KeyFile};
pub use holder::{Change, Held, Holder, NotTaken};
pub use pull::Pull;
pub use target::{NotGiven, Target};
