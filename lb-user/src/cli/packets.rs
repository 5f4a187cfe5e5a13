use crate::config::{Prefix, Protocol};
use clap::value_parser;
use std::net::IpAddr;

/// Options that say which packets are meant, of commands that show single packets.
#[derive(Default, PartialEq, Eq, clap::Args)]
pub(super) struct Packets {
    /// Only packets of these clients.
    #[arg(long, value_name = "PREFIX")]
    pub(super) client: Option<Prefix>,
    /// Only packets for this VIP.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) vip: Option<IpAddr>,
    /// Only packets for this port.
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    /// Only packets of this protocol.
    #[arg(long)]
    pub(super) protocol: Option<Protocol>,
    /// Only packets with this verdict: forwarded, answered, passed, dropped, or a reason, as new-flow.
    #[arg(long, value_name = "NAME")]
    pub(super) verdict: Option<String>,
}
