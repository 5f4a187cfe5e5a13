use super::{Error, Site};
use crate::config;
use crate::dashboard::{Token, url};
use command_fds::{CommandFdExt, FdMapping};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;
use zeroize::Zeroizing;

/// The first of the sockets that a process is started with (sd_listen_fds(3)).
const FIRST_SOCKET: i32 = 3;

/// Where the dashboard of the lab's agent listens: on this machine, though the agent is in the balancer's namespace, whose loopback no
/// browser gets to. A socket stays in the namespace that it was made in, so the lab makes it and hands it over, as systemd would. An
/// agent that takes over from another one gets it as well: visitors wait meanwhile.
#[derive(Debug)]
pub struct Dashboard {
    listener: TcpListener,
    config: config::Dashboard,
}

impl Dashboard {
    /// Listens on the usual port, or on any if that is taken, as by another lab.
    pub(super) fn listen(site: &Site) -> Result<Self, Error> {
        let usual = config::Dashboard::DEFAULT_LISTEN;
        let listener = TcpListener::bind(usual).or_else(|_| TcpListener::bind((usual.ip(), 0)));
        let listener = listener.map_err(Error::process("cannot listen for the dashboard's visitors"))?;
        let listen = listener.local_addr().map_err(Error::process("cannot tell where the dashboard listens"))?;
        let token_file = site.run_folder().join(config::Dashboard::DEFAULT_TOKEN_FILE);
        Ok(Self { listener, config: config::Dashboard { listen, identity: None, admins: BTreeSet::new(), token_file } })
    }

    /// The table of the agent's configuration.
    pub(super) fn configuration(&self) -> String {
        let config::Dashboard { listen, token_file, .. } = &self.config;
        format!("\n[dashboard]\nlisten = \"{listen}\"\ntoken-file = \"{}\"\n", token_file.display())
    }

    /// Has the process that `command` starts take over the socket.
    pub(super) fn hand_to(&self, command: &mut Command) -> Result<(), Error> {
        let socket = self.listener.try_clone().map_err(Error::process("cannot hand the dashboard's socket over"))?;
        command.env("LISTEN_FDS", "1").env_remove("LISTEN_PID");
        let mapping = FdMapping { parent_fd: socket.into(), child_fd: FIRST_SOCKET };
        // One mapping collides with none.
        let _ = command.fd_mappings(vec![mapping]);
        Ok(())
    }

    /// Where a browser finds it and is logged in.
    ///
    /// # Errors
    /// When there can be no token.
    pub fn url(&self) -> Result<Zeroizing<String>, Error> {
        Ok(url(&self.config, &Token::open(&self.config.token_file)?))
    }
}
