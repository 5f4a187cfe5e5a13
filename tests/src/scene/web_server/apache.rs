use super::{Place, program};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = "/usr/sbin/apache2";
/// Where its modules are, and those that are needed.
const MODULES: (&str, [&str; 5]) =
    ("/usr/lib/apache2/modules", ["mpm_event", "authz_core", "dir", "socache_shmcb", "ssl"]);

/// It serves files: there is one, of a folder that its workers may read.
pub(super) fn configuration(place: &Place) -> Result<String> {
    let documents = place.folder.join("documents");
    fs::create_dir_all(&documents)?;
    fs::write(documents.join("index.html"), "apache\n")?;
    let (folder, modules) = MODULES;
    let modules: String =
        modules.iter().map(|module| format!("LoadModule {module}_module {folder}/mod_{module}.so\n")).collect();
    Ok(format!(
        "{modules}ServerRoot {folder:?}
DefaultRuntimeDir {folder:?}
PidFile {pid:?}
ServerName shop.example:443
Listen {address}
User www-data
Group www-data
ErrorLog /dev/stderr
StartServers 1
DocumentRoot {documents:?}
DirectoryIndex index.html
SSLEngine on
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCertificateFile {certificate:?}
SSLCertificateKeyFile {key:?}
SSLSessionTickets on
SSLSessionCacheTimeout 3600
SSLSessionTicketKeyFile \"{tickets}/apache.key\"
",
        folder = place.folder,
        pid = place.pid_file(),
        address = place.address,
        certificate = place.identity.certificate,
        key = place.identity.key,
        tickets = place.tickets.display(),
    ))
}

pub(super) fn command(place: &Place) -> Command {
    program(PROGRAM, &[Path::new("-D"), Path::new("FOREGROUND"), Path::new("-f"), &place.configuration()])
}

pub(super) fn driver(place: &Place) -> String {
    let command = format!("[{PROGRAM:?}, \"-f\", {:?}, \"-k\", \"graceful\"]", place.configuration());
    format!("driver = \"apache\"\ncommand = {command}\npid-file = {:?}\n", place.pid_file())
}
