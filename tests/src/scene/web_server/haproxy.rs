use super::identity::write_secret;
use super::{Place, program};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::Command;

/// It wants the certificate and its key in one file.
pub(super) fn configuration(place: &Place) -> Result<String> {
    let identity = place.folder.join("identity.pem");
    let parts = [fs::read(&place.identity.certificate)?, fs::read(&place.identity.key)?];
    write_secret(&identity, &parts.concat())?;
    Ok(format!(
        "global
    stats socket {socket} mode 600 level admin
    tune.ssl.lifetime 3600
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend site
    bind {address} ssl crt {identity} tls-ticket-keys {keys}
    http-request return status 200 content-type text/plain string haproxy
",
        socket = place.socket().display(),
        address = place.address,
        identity = identity.display(),
        keys = place.tickets.join("haproxy.keys").display(),
    ))
}

pub(super) fn command(place: &Place) -> Command {
    program("/usr/sbin/haproxy", &[Path::new("-db"), Path::new("-f"), &place.configuration()])
}

pub(super) fn driver(place: &Place) -> String {
    format!("driver = \"haproxy\"\nsocket = {:?}\n", place.socket())
}
