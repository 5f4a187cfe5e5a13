use super::encoded::{self, append};
use super::{Error, Folder, KeyFile};
use crate::tickets::{Key, Ring};
use std::io;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

/// The file that HAProxy reads at its start.
const FILE: &str = "haproxy.keys";
/// Most that it may say, in bytes: it names all of its files of keys.
const LONGEST: usize = 1 << 16;

/// HAProxy. It reads the file when it starts, and is told of other keys over its socket: each takes the place of the oldest of three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tickets::node) struct HaProxy {
    /// Its `stats socket`.
    pub(in crate::tickets::node) socket: PathBuf,
}

/// The three keys in base64, as the file has them: old, active, next.
type Keys = [Zeroizing<Vec<u8>>; 3];

/// A line a key. It encrypts with the last but one.
pub(super) fn file(ring: &Ring) -> KeyFile {
    let mut content = Zeroizing::new(Vec::with_capacity(3 * (encoded::SIZE + 1)));
    for key in keys(ring) {
        content.extend_from_slice(&key);
        content.push(b'\n');
    }
    KeyFile { name: FILE, content }
}

impl HaProxy {
    pub(super) async fn apply(&self, folder: &Folder, ring: &Ring) -> Result<(), Error> {
        let file = folder.path().join(FILE);
        let names = self.ask(b"show tls-keys\n").await?;
        let id = id(&names, &file).ok_or(Error::NotUsed(file))?;
        let wanted = keys(ring);
        for key in missing(&self.keys(&id).await?, &wanted) {
            self.set(&id, key).await?;
        }
        let is_done = self.keys(&id).await? == wanted;
        is_done.then_some(()).ok_or_else(|| Error::OtherKeys(self.socket.clone()))
    }

    /// The keys that it has for the file `id`: old, active, next.
    async fn keys(&self, id: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
        let answer = self.ask(format!("show tls-keys #{id}\n").as_bytes()).await?;
        Ok(dumped(&answer, id))
    }

    async fn set(&self, id: &str, key: &[u8]) -> Result<(), Error> {
        let head = format!("set ssl tls-key #{id} ");
        let mut command = Zeroizing::new(Vec::with_capacity(head.len() + key.len() + 1));
        command.extend_from_slice(head.as_bytes());
        command.extend_from_slice(key);
        command.push(b'\n');
        // What it says otherwise is not shown: it might repeat the key.
        let is_set = self.ask(&command).await?.starts_with(b"TLS ticket key updated");
        is_set.then_some(()).ok_or_else(|| Error::Refused(self.socket.clone()))
    }

    /// What it answers to `command`, a line.
    async fn ask(&self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        exchange(&self.socket, command).await.map_err(|source| Error::Socket { path: self.socket.clone(), source })
    }
}

async fn exchange(socket: &Path, command: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(command).await?;
    let (mut answer, mut size) = (Zeroizing::new(vec![0; LONGEST]), 0);
    loop {
        match stream.read(&mut answer[size..]).await? {
            0 if size == LONGEST => return Err(io::Error::other(format!("it says more than {LONGEST} bytes"))),
            0 => break,
            len => size += len,
        }
    }
    answer.truncate(size);
    Ok(answer)
}

fn keys(ring: &Ring) -> Keys {
    [&ring.old, &ring.active, &ring.next].map(|slot| {
        let bytes = ordered(&slot.key);
        let mut encoded = Zeroizing::new(Vec::with_capacity(encoded::SIZE));
        append(&mut encoded, &bytes);
        encoded
    })
}

/// A key as HAProxy wants it: name, cipher key, authentication key.
fn ordered(key: &Key) -> Zeroizing<Vec<u8>> {
    // On the heap: what is moved about on the stack leaves copies.
    let mut bytes = Zeroizing::new(Vec::with_capacity(Key::SIZE));
    for part in [key.name(), key.cipher_key(), key.mac_key()] {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The number that HAProxy has given to the file `path`, from lines `NUMBER (PATH)`.
fn id(names: &[u8], path: &Path) -> Option<String> {
    let file = format!("({})", path.display());
    let text = String::from_utf8_lossy(names);
    text.lines().filter_map(|line| line.split_once(' ')).find(|(_, name)| *name == file).map(|(id, _)| id.to_owned())
}

/// The keys of the file `id`, from lines `ID.NUMBER KEY`.
fn dumped(answer: &[u8], id: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let prefix = format!("{id}.");
    let lines = answer.split(|&byte| byte == b'\n');
    let keys = lines.filter(|line| line.starts_with(prefix.as_bytes())).filter_map(|line| {
        let space = line.iter().position(|&byte| byte == b' ')?;
        Some(Zeroizing::new(line[space + 1..].to_vec()))
    });
    keys.collect()
}

/// What has to be set so that HAProxy, which has the keys `has`, has the keys `wanted`.
fn missing<'a>(has: &[Zeroizing<Vec<u8>>], wanted: &'a Keys) -> &'a [Zeroizing<Vec<u8>>] {
    match has {
        has if has == wanted => &[],
        [_, active, next] if [active, next] == [&wanted[0], &wanted[1]] => &wanted[2..],
        // Setting a key once more takes away another one.
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: [&str; 3]) -> Keys {
        names.map(|name| Zeroizing::new(name.as_bytes().to_vec()))
    }

    #[test]
    fn one_key_is_set_after_a_shift_and_all_in_every_other_case() {
        let wanted = keys(["b", "c", "d"]);
        let missing =
            |has: [&str; 3]| missing(&keys(has), &wanted).iter().map(|key| key[0] as char).collect::<String>();
        assert_eq!(missing(["b", "c", "d"]), "");
        assert_eq!(missing(["a", "b", "c"]), "d");
        assert_eq!(missing(["x", "a", "b"]), "bcd");
        assert_eq!(missing(["c", "d", "e"]), "bcd");
        assert_eq!(missing(["c", "d", "d"]), "bcd");
    }

    #[test]
    fn haproxy_is_understood() {
        let names = b"# id (file)\n0 (/run/keys/shop/haproxy.keys)\n10 (/run/keys/mail/haproxy.keys)\n\n";
        assert_eq!(id(names, Path::new("/run/keys/mail/haproxy.keys")).as_deref(), Some("10"));
        assert_eq!(id(names, Path::new("/run/keys/haproxy.keys")), None);
        let answer = b"# id secret\n# 1 (/run/keys/shop/haproxy.keys)\n1.0 YQ==\n1.1 Yg==\n1.2 Yw==\n\n";
        assert_eq!(dumped(answer, "1"), keys(["YQ==", "Yg==", "Yw=="]));
        assert_eq!(dumped(b"Permission denied\n", "1").len(), 0);
    }
}
