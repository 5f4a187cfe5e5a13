//! The dashboard: a web page that the agent serves, with the routes of the control API beneath it, as far as its visitors may use them.
//!
//! | file | what it does |
//! |---|---|
//! | `access` | decides who may do what: the one place for that |
//! | `gate` | what every request has to get through |
//! | `site` | whether a request means this server, and comes from its own page |
//! | `token`, `session`, `attempts`, `login` | the login: its token, what follows it, how often it has failed |
//! | `assets` | the page itself, which is in the binary |
//! | `server` | the listener |

mod access;
mod assets;
mod attempts;
mod error;
mod gate;
mod login;
mod server;
mod session;
mod site;
mod token;

pub use error::Error;
pub use token::{Token, url};

pub(crate) use server::Dashboard;
