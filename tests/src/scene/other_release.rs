use super::program;
use anyhow::{Context, Result, ensure};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Writes the program under test to a file in `folder`, with another XDP program in it: the same sources, otherwise compiled. Returns
/// the file.
///
/// The binary has the object as one piece; the other object takes its place, so nothing has to be compiled for this and nothing in the
/// product is there for it. An ELF file may have zeroes at its end.
///
/// # Errors
/// When there is no other object, or the program has another one than `target/bpf/handoff.o`.
pub fn other_release(folder: &Path) -> Result<PathBuf> {
    let objects = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bpf");
    let read = |path: PathBuf| fs::read(&path).with_context(|| format!("{}: run `cargo xtask test`", path.display()));
    let (own, mut other) = (read(objects.join("handoff.o"))?, read(objects.join("other.o"))?);
    ensure!(other.len() <= own.len(), "the other object is larger than the program's own: there is no room for it");
    other.resize(own.len(), 0);
    let mut binary = read(program())?;
    let places = find(&binary, &own);
    ensure!(places.len() == 1, "the program has {} copies of target/bpf/handoff.o", places.len());
    binary[places[0]..][..own.len()].copy_from_slice(&other);
    let path = folder.join("handoff-other");
    fs::write(&path, binary)?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Where `piece` is in `all`.
fn find(all: &[u8], piece: &[u8]) -> Vec<usize> {
    // Comparing whole pieces everywhere would take minutes; the ELF header's place is almost always the right one.
    let head = &piece[..64];
    let heads = all.windows(head.len()).enumerate().filter(|(_, window)| *window == head);
    heads.map(|(place, _)| place).filter(|&place| all[place..].starts_with(piece)).collect()
}
