//! The tarball: for systems without dpkg.

use std::env::consts::ARCH;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Release;
use super::tree::Tree;
use crate::process;

/// Packs the tree into `folder`, and returns the name of the tarball. All is below a folder of the tarball's own name.
pub(super) fn pack(tree: &Tree, folder: &Path, release: &Release) -> Result<String> {
    let stem = format!("handoff-{}-linux-{ARCH}", release.version);
    let name = format!("{stem}.tar.gz");
    let mut tar = Command::new("tar");
    // Nothing of who packed it, and in no order but that of the names.
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]);
    tar.arg(format!("--mtime=@{}", release.time)).arg(format!("--transform=s,^usr,{stem}/usr,"));
    tar.args(["--use-compress-program=gzip -9 --no-name", "--create", "--file"]).arg(folder.join(&name));
    tar.arg("--directory").arg(tree.root()).arg("usr");
    process::run(&mut tar)?;
    Ok(name)
}
