use super::Error;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// A file that is to be made.
pub(super) struct File {
    name: String,
    text: Zeroizing<String>,
    mode: u32,
}

impl File {
    /// For everybody to read.
    pub(super) fn public(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text: Zeroizing::new(text), mode: 0o644 }
    }

    /// For its owner alone.
    pub(super) fn secret(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text: Zeroizing::new(text), mode: 0o600 }
    }
}

/// Makes a folder of these files, whole: they are written beside it, and get its name when all of them are on disk. An empty folder may be
/// there already, and nothing else.
pub(super) fn write_folder(folder: &Path, mode: u32, files: &[File]) -> Result<(), Error> {
    let failed = |source| Error::File { path: folder.to_owned(), source };
    let folder = std::path::absolute(folder).map_err(failed)?;
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(Error::Taken { folder });
    };
    fs::create_dir_all(parent).map_err(failed)?;
    let prefix = format!(".{}-", name.to_string_lossy());
    // Goes away when anything fails.
    let new = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(failed)?;
    for file in files {
        write(&new.path().join(&file.name), file)
            .map_err(|source| Error::File { path: folder.join(&file.name), source })?;
    }
    fs::set_permissions(new.path(), Permissions::from_mode(mode)).map_err(failed)?;
    match fs::rename(new.path(), &folder) {
        Ok(()) => {
            // It is no longer there.
            let _ = new.keep();
            fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
        }
        Err(error) if is_taken(&error) => Err(Error::Taken { folder }),
        Err(error) => Err(failed(error)),
    }
}

fn write(path: &Path, file: &File) -> io::Result<()> {
    let mut new = OpenOptions::new().write(true).create_new(true).mode(file.mode).open(path)?;
    new.write_all(file.text.as_bytes())?;
    // Whatever the umask left of it.
    new.set_permissions(Permissions::from_mode(file.mode))?;
    new.sync_all()
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists | ErrorKind::NotADirectory)
}
