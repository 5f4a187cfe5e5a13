//! Keys that a setup has in place of the files that the agent reads them from.

use anyhow::{Context, Result};
use std::io::Write;
use tempfile::NamedTempFile;
use toml::{Table, Value};

/// Puts every `key` of a service's `quic` into a file, which only its owner may read, and names that one as its `key-file`. The files are
/// there as long as what is returned.
pub(super) fn write_keys(service: &mut Table) -> Result<Vec<NamedTempFile>> {
    let configurations = service.get_mut("quic").and_then(Value::as_array_mut).into_iter().flatten();
    let mut files = Vec::new();
    for configuration in configurations.filter_map(Value::as_table_mut) {
        let Some(key) = configuration.remove("key") else { continue };
        let mut file = NamedTempFile::new().context("cannot make a file for a key")?;
        writeln!(file, "{}", key.as_str().context("key is not in quotes")?)?;
        let path = file.path().to_str().context("the folder of temporary files has an odd name")?;
        configuration.insert("key-file".to_owned(), path.into());
        files.push(file);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_gets_a_file_of_its_own() {
        let service = "port = 443\n[[quic]]\ncodepoint = 0\nkey = '8f95'\n[[quic]]\ncodepoint = 1";
        let mut service: Table = toml::from_str(service).expect("a service");
        let files = write_keys(&mut service).expect("files");
        let [file] = &files[..] else { panic!("{files:?}") };
        assert_eq!(fs::read_to_string(file.path()).expect("a text").trim_end(), "8f95");
        assert_eq!(fs::metadata(file.path()).expect("a file").permissions().mode() & 0o777, 0o600);
        let path = file.path().to_str().expect("a name");
        let expected = format!("port = 443\n[[quic]]\ncodepoint = 0\nkey-file = '{path}'\n[[quic]]\ncodepoint = 1");
        assert_eq!(service, toml::from_str(&expected).expect("a service"));
    }
}
