use super::{Identity, Place, program};
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = "/usr/sbin/nginx";

pub(super) fn configuration(place: &Place) -> String {
    let Place { address, identity: Identity { certificate, key }, tickets, folder, .. } = place;
    format!(
        "daemon off;
worker_processes 1;
pid {pid:?};
error_log stderr notice;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder:?};
    proxy_temp_path {folder:?};
    fastcgi_temp_path {folder:?};
    uwsgi_temp_path {folder:?};
    scgi_temp_path {folder:?};
    ssl_certificate {certificate:?};
    ssl_certificate_key {key:?};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_timeout 1h;
    ssl_session_tickets on;
    ssl_early_data off;
    ssl_session_ticket_key \"{tickets}/active.key\";
    ssl_session_ticket_key \"{tickets}/next.key\";
    ssl_session_ticket_key \"{tickets}/old.key\";
    server {{
        listen {address} ssl;
        return 200 \"nginx\\n\";
    }}
}}
",
        pid = place.pid_file(),
        tickets = tickets.display(),
    )
}

pub(super) fn command(place: &Place) -> Command {
    program(PROGRAM, &[Path::new("-p"), &place.folder, Path::new("-c"), &place.configuration()])
}

pub(super) fn driver(place: &Place) -> String {
    let test = format!("[{PROGRAM:?}, \"-p\", {:?}, \"-c\", {:?}, \"-t\"]", place.folder, place.configuration());
    format!("driver = \"nginx\"\ntest = {test}\npid-file = {:?}\n", place.pid_file())
}
