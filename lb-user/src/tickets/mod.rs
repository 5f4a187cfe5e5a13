//! TLS session-ticket keys that belong to the cluster: a session that was made on one back-end is resumed on any.
//!
//! The agent keeps a ring of three keys for each certificate identity and kind of server, puts a fresh key into it every rotation period,
//! and hands it to a small client on each back-end, which gives it to the web server there.
//!
//! | folder or file | what it does |
//! |---|---|
//! | `key`, `ring`, `timing` | what is shared: three keys, which of them encrypts, and for how long |
//! | `ticketer` | [`Ticketer`]: a ring in a rustls server |
//! | `keeper` | the agent's side: makes the keys, rotates them, hands them to back-ends |
//! | `pki` | certificates for agents and back-ends |
//! | `process` | what a process does before it holds keys |
//! | `node` | the back-end's side: gives the keys to the web server |

mod boot_time;
mod folder;
pub mod keeper;
mod key;
pub mod node;
pub mod pki;
mod process;
mod ring;
mod stored;
mod ticketer;
mod timing;
pub mod wire;

pub use boot_time::BootTime;
pub use folder::{Folder, FolderError};
pub use keeper::Keeper;
pub use key::{Key, KeyId, NoKey, WeakKey};
pub use process::{Unprotected, protect};
pub use ring::{Ring, RingName, Slot, SlotState, Version};
pub use ticketer::Ticketer;
pub use timing::{InvalidTiming, Timing};
pub use wire::NodeState;
