use super::Secrets;
use anyhow::{Context, Result, ensure};
use procfs::process::{MMPermissions, Process};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// The secrets in the memory of a process, each with its form: in all that it has mapped and may read.
///
/// # Errors
/// When there is no such process, or its memory cannot be read: that takes root.
pub fn secrets_in_memory(pid: u32, secrets: &Secrets) -> Result<BTreeSet<String>> {
    let about = || format!("memory of process {pid}");
    let process = Process::new(pid.try_into()?).with_context(about)?;
    let memory = File::open(format!("/proc/{pid}/mem")).with_context(about)?;
    let mut found = BTreeSet::new();
    let mut read = 0;
    for mapping in process.maps().with_context(about)? {
        if mapping.perms.contains(MMPermissions::READ) {
            let (at, end) = mapping.address;
            let mut region = Region { memory: &memory, at, end, read: 0 };
            found.extend(secrets.within(&mut region).with_context(about)?);
            read += region.read;
        }
    }
    ensure!(read > 0, "{}: not a byte could be read", about());
    Ok(found)
}

/// A mapping, as a stream.
struct Region<'a> {
    memory: &'a File,
    at: u64,
    end: u64,
    read: usize,
}

const PAGE: u64 = 4_096;

impl Read for Region<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at < self.end {
            let size = buffer.len().min((self.end - self.at) as usize);
            match self.memory.read_at(&mut buffer[..size], self.at) {
                // The process has ended, or unmapped it.
                Ok(0) => break,
                Ok(size) => {
                    self.at += size as u64;
                    self.read += size;
                    return Ok(size);
                }
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
                // Nobody can read this page: a device's, or behind the end of a file.
                Err(_) => self.at = (self.at / PAGE + 1) * PAGE,
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Child, Command, Stdio};

    /// `cat`, whose buffer holds what it was given last.
    fn reader_of(text: &[u8]) -> Child {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        cat.stdin.as_mut().unwrap().write_all(text).unwrap();
        let mut back = vec![0; text.len()];
        cat.stdout.as_mut().unwrap().read_exact(&mut back).unwrap();
        cat
    }

    #[test]
    fn a_secret_is_found_in_the_process_that_holds_it_and_in_no_other() {
        let key: [u8; 32] = rand::random();
        let secrets = Secrets::new(&[("key", &key)]).unwrap();
        for (text, found) in [
            (key.to_vec(), &["key, as it is".to_owned()][..]),
            (hex::encode(key).into_bytes(), &["key, in hexadecimal".to_owned()]),
            (vec![7; 32], &[]),
        ] {
            let mut cat = reader_of(&text);
            let result = secrets_in_memory(cat.id(), &secrets);
            cat.kill().unwrap();
            cat.wait().unwrap();
            assert_eq!(result.unwrap().into_iter().collect::<Vec<_>>(), found);
        }
    }
}
