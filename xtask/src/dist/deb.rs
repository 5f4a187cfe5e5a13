//! The Debian package.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Release;
use super::binary::Linkage;
use super::tree::{Tree, names};
use crate::{process, workspace};

/// Packs the tree into `folder`, and returns the name of the package.
pub(super) fn pack(tree: &Tree, folder: &Path, release: &Release, linkage: &Linkage) -> Result<String> {
    let arch = architecture();
    let name = format!("handoff_{}_{arch}.deb", release.version);
    let control = tree.root().join("DEBIAN");
    let failed = || format!("cannot write {}", control.display());
    fs::create_dir_all(&control).with_context(failed)?;
    fs::write(control.join("control"), description(&release.version, arch, &linkage.glibc)).with_context(failed)?;
    let scripts = workspace::root().join("packaging/debian");
    for script in names(&scripts)? {
        fs::copy(scripts.join(&script), control.join(&script)).with_context(failed)?;
        fs::set_permissions(control.join(&script), Permissions::from_mode(0o755)).with_context(failed)?;
    }
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.args(["--root-owner-group", "-Zgzip", "--build"]).arg(tree.root()).arg(folder.join(&name));
    process::run(dpkg.env("SOURCE_DATE_EPOCH", &release.time))?;
    Ok(name)
}

/// What Debian calls this machine's architecture.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64el",
        other => other,
    }
}

/// The control file. systemd makes the agent's user and folders.
fn description(version: &str, arch: &str, glibc: &str) -> String {
    format!(
        "Package: handoff
Version: {version}
Architecture: {arch}
Maintainer: The Handoff project
Section: net
Priority: optional
Depends: libc6 (>= {glibc}), libgcc-s1, libpcap0.8, systemd
Description: XDP load balancer for the edge of a web-server cluster
 Clients see one virtual server. An XDP program hands each new connection to a
 back-end in turn, at the network card; the back-end answers the client directly.
 When the agent stops or is upgraded, forwarding goes on, and the next agent
 takes over with all connections and counters.
"
    )
}
