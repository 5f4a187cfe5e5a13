use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Replaces the file at `path` in one step: whoever reads it finds the old content or the new one, also after a crash. A file that was
/// there keeps its owner and its mode, and a symbolic link goes on pointing to it; a new one is for the owner alone.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?.to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = write(path, &new, content).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // What could not be written is of no use.
        let _ = fs::remove_file(&new);
        return written;
    }
    // The name is safe when its folder is.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn write(path: &Path, new: &Path, content: &[u8]) -> io::Result<()> {
    // One that was left by a crash may have another mode.
    if let Err(error) = fs::remove_file(new)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    if let Ok(former) = fs::metadata(path) {
        // Whoever is not root cannot give files away: then it is the agent's own.
        if let Err(error) = fchown(&file, Some(former.uid()), Some(former.gid()))
            && error.kind() != io::ErrorKind::PermissionDenied
        {
            return Err(error);
        }
        file.set_permissions(fs::Permissions::from_mode(former.mode() & 0o7777))?;
    }
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn a_file_keeps_its_mode_and_nothing_else_is_left() {
        let folder = tempdir().expect("a folder");
        let path = folder.path().join("a.toml");
        replace(&path, b"one").expect("room");
        assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        replace(&path, b"two").expect("room");
        assert_eq!(fs::metadata(&path).expect("the file").mode() & 0o777, 0o640);
        assert_eq!(fs::read(&path).expect("the file"), b"two");
        assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    }

    #[test]
    fn a_link_goes_on_pointing_to_the_file() {
        let folder = tempdir().expect("a folder");
        let (path, link) = (folder.path().join("a.toml"), folder.path().join("link.toml"));
        fs::write(&path, "one").expect("room");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        replace(&link, b"two").expect("room");
        assert_eq!(fs::read(&path).expect("the file"), b"two");
        assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    }
}
