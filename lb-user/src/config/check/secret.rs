//! Files that hold a secret.

use super::{Checker, READABLE};
use std::path::PathBuf;
use toml::Spanned;
use zeroize::Zeroizing;

impl Checker<'_> {
    /// Path and text of the file that `name` names, which nobody but its owner may get at.
    pub(super) fn secret(
        &mut self,
        key: &str,
        name: &Spanned<String>,
        example: &str,
    ) -> Option<(PathBuf, Zeroizing<String>)> {
        let path = self.path(key, name, example)?;
        let secret = match self.files.secret(&path) {
            Ok(secret) => secret,
            Err(error) => {
                return self.problems.reject(name, format!("{key} {path:?} cannot be read: {error}; {READABLE}"));
            }
        };
        if secret.mode & 0o077 != 0 {
            let message = format!(
                "{key} {path:?} has mode {:04o}, which lets others at the key: `chmod 600 {}`",
                secret.mode,
                path.display()
            );
            return self.problems.reject(name, message);
        }
        Some((path, secret.text))
    }
}
