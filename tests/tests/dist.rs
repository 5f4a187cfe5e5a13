//! The packages that `cargo xtask dist` makes, unpacked into a folder: `cargo xtask test dist`. `HANDOFF_DIST` names their folder.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Outcome, outcome};
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What every package has, and who may do what with it.
const FILES: [(&str, u32); 10] = [
    ("usr/bin/handoff", 0o755),
    ("usr/lib/systemd/system/handoff.service", 0o644),
    ("usr/lib/systemd/system/handoff-tickets.service", 0o644),
    ("usr/lib/sysusers.d/handoff.conf", 0o644),
    ("usr/lib/tmpfiles.d/handoff.conf", 0o644),
    ("usr/share/man/man1/handoff.1.gz", 0o644),
    ("usr/share/man/man1/handoff-run.1.gz", 0o644),
    ("usr/share/bash-completion/completions/handoff", 0o644),
    ("usr/share/doc/handoff/deployment.md", 0o644),
    ("usr/share/doc/handoff/LICENSE-MIT", 0o644),
];

#[test]
fn the_checksums_are_right() -> Result<()> {
    run(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(folder()))?;
    let sums = fs::read_to_string(folder().join("SHA256SUMS"))?;
    ensure!(sums.contains(".tar.gz\n") && sums.contains(".deb\n"), "{sums}");
    Ok(())
}

#[test]
fn the_tarball_works_where_it_is_unpacked() -> Result<()> {
    let unpacked = tempfile::tempdir()?;
    let tarball = package(".tar.gz")?;
    run(Command::new("tar").args(["--strip-components=1", "-xzf"]).arg(&tarball).arg("-C").arg(unpacked.path()))?;
    works(unpacked.path())
}

#[test]
fn the_debian_package_works_where_it_is_unpacked() -> Result<()> {
    let unpacked = deb()?;
    works(unpacked.path())?;
    let owners = run(Command::new("dpkg-deb").arg("--contents").arg(package(".deb")?))?;
    ensure!(owners.lines().all(|line| line.split_whitespace().nth(1) == Some("root/root")), "{owners}");
    Ok(())
}

#[test]
fn the_debian_package_says_what_it_is_and_needs() -> Result<()> {
    let package = package(".deb")?;
    let field = |name: &str| run(Command::new("dpkg-deb").arg("--field").arg(&package).arg(name));
    assert_eq!(field("Package")?.trim(), "handoff");
    assert_eq!(field("Version")?.trim(), env!("CARGO_PKG_VERSION"));
    let needs = field("Depends")?;
    ensure!(needs.starts_with("libc6 (>= 2.") && needs.contains("libpcap0.8") && needs.contains("systemd"), "{needs}");
    let control = tempfile::tempdir()?;
    run(Command::new("dpkg-deb").arg("--control").arg(&package).arg(control.path()))?;
    for script in ["postinst", "prerm", "postrm"] {
        let script = control.path().join(script);
        assert_eq!(fs::metadata(&script)?.permissions().mode() & 0o777, 0o755, "{}", script.display());
        run(Command::new("sh").arg("-n").arg(&script))?;
    }
    Ok(())
}

#[test]
fn the_manual_pages_are_well_formed() -> Result<()> {
    let unpacked = deb()?;
    let folder = unpacked.path().join("usr/share/man/man1");
    let pages: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    ensure!(pages.len() > 10, "there are only {} pages", pages.len());
    for page in pages {
        run(Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(page.path()))?;
    }
    Ok(())
}

#[test]
fn the_units_are_valid_and_well_secured() -> Result<()> {
    let unpacked = deb()?;
    let binary = unpacked.path().join("usr/bin/handoff");
    // Tenths of systemd's measure of exposure, of which 100 is the most. What serves web servers has to be root.
    for (name, exposure) in [("handoff.service", 25), ("handoff-tickets.service", 35)] {
        // They are checked where they are not installed, so the binary is elsewhere.
        let unit = fs::read_to_string(unpacked.path().join("usr/lib/systemd/system").join(name))?;
        let path = unpacked.path().join(name);
        fs::write(&path, unit.replace("/usr/bin/handoff", &binary.to_string_lossy()))?;
        run(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path))?;
        let threshold = format!("--threshold={exposure}");
        run(Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(threshold).arg(&path))?;
    }
    Ok(())
}

#[test]
fn the_folder_of_ticket_keys_is_memory_that_is_never_swapped_out() -> Result<()> {
    let unpacked = deb()?;
    let unit = fs::read_to_string(unpacked.path().join("usr/lib/systemd/system/handoff-tickets.service"))?;
    let unit = unit.replace("\\\n", " ");
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStartPre=+/bin/sh -c '")?.strip_suffix('\''));
    // Twice, as after a restart; in a mount namespace of its own, so that nothing is left.
    let command = command.context("the unit mounts nothing")?;
    let script = format!(
        "{command} && {command} && grep \" $RUNTIME_DIRECTORY \" /proc/mounts && stat -c %a $RUNTIME_DIRECTORY"
    );
    let folder = tempfile::tempdir()?;
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &script]).env("RUNTIME_DIRECTORY", folder.path());
    let mounted = run(&mut shell)?;
    ensure!(mounted.lines().count() == 2 && mounted.ends_with("\n711\n"), "{mounted}");
    for option in [" tmpfs ", "nosuid", "nodev", "noexec", "noswap", "size=4096k"] {
        ensure!(mounted.contains(option), "{option}: {mounted}");
    }
    Ok(())
}

#[test]
fn the_example_is_a_good_configuration() -> Result<()> {
    let unpacked = deb()?;
    let example = unpacked.path().join("usr/share/doc/handoff/examples/handoff.toml");
    let binary = unpacked.path().join("usr/bin/handoff");
    let checked = run(Command::new(binary).args(["check", "--offline", "--config"]).arg(example))?;
    ensure!(checked.contains("good: 1 services, 3 back-ends"), "{checked}");
    Ok(())
}

/// Checks that what a package has is all there below `root`, and that the program in it starts.
fn works(root: &Path) -> Result<()> {
    for (file, mode) in FILES {
        let found = fs::metadata(root.join(file)).with_context(|| file.to_owned())?;
        assert_eq!(found.permissions().mode() & 0o7777, mode, "{file}");
    }
    let said = run(Command::new(root.join("usr/bin/handoff")).arg("--version"))?;
    assert_eq!(said, concat!("handoff ", env!("CARGO_PKG_VERSION"), "\n"));
    Ok(())
}

/// The Debian package, unpacked.
fn deb() -> Result<TempDir> {
    let unpacked = tempfile::tempdir()?;
    run(Command::new("dpkg-deb").arg("--extract").arg(package(".deb")?).arg(unpacked.path()))?;
    Ok(unpacked)
}

/// The one package with this ending.
fn package(ending: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder()).with_context(|| format!("{}: run `cargo xtask dist`", folder().display()))?;
    let paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    let mut found = paths.into_iter().filter(|path| path.to_string_lossy().ends_with(ending));
    let package = found.next().with_context(|| format!("no package ends in {ending}"))?;
    ensure!(found.next().is_none(), "several packages end in {ending}");
    Ok(package)
}

fn folder() -> PathBuf {
    env::var_os("HANDOFF_DIST").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/dist"), Into::into)
}

/// What `command` prints; it has to succeed.
fn run(command: &mut Command) -> Result<String> {
    let outcome: Outcome = outcome(command).with_context(|| format!("{command:?}"))?;
    ensure!(outcome.code == Some(0), "{command:?}: {outcome:?}");
    Ok(outcome.stdout)
}
