use super::Error;
use crate::config::Community;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long BIRD may take: it reads its whole configuration.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most that it may say, in bytes.
const LONGEST: u64 = 1 << 16;

/// BIRD. It includes a file with a static route for each VIP, reads it at its start, and when it is told to over its control socket.
pub(super) struct Bird {
    socket: PathBuf,
    file: PathBuf,
    communities: Vec<Community>,
    /// Whether BIRD has read the file as it is.
    is_told: bool,
}

impl Bird {
    pub(super) fn new(socket: &Path, file: &Path, communities: &[Community]) -> Self {
        Self { socket: socket.to_owned(), file: file.to_owned(), communities: communities.to_vec(), is_told: false }
    }

    /// Has BIRD announce these VIPs and no others.
    pub(super) async fn set(&mut self, vips: &BTreeSet<IpAddr>) -> Result<(), Error> {
        let text = text(vips, &self.communities);
        if fs::read_to_string(&self.file).is_ok_and(|written| written == text) {
            if self.is_told {
                return Ok(());
            }
        } else {
            self.is_told = false;
            write(&self.file, &text).map_err(|source| Error::File { path: self.file.clone(), source })?;
        }
        let failed = |source| Error::Bird { path: self.socket.clone(), source };
        let answer = timeout(PATIENCE, configure(&self.socket)).await.unwrap_or_else(|slow| Err(slow.into()));
        match answer.map_err(failed)? {
            // It has reconfigured itself, or is about to.
            (2..=9, _) => {
                self.is_told = true;
                Ok(())
            }
            (code, text) => Err(Error::Refused(format!("{code:04} {text}"))),
        }
    }
}

/// Static routes, by family. Nobody is sent anywhere by them: they are there to be announced.
fn text(vips: &BTreeSet<IpAddr>, communities: &[Community]) -> String {
    let mut text = "# Written by handoff, which will overwrite it.\n".to_owned();
    let marks: String =
        communities.iter().map(|Community(high, low)| format!(" bgp_community.add(({high}, {low}));")).collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" {{{marks} }}") };
    for (family, is_v4, length) in [(4, true, 32), (6, false, 128)] {
        text += &format!("protocol static handoff{family} {{\n\tipv{family};\n");
        for vip in vips.iter().filter(|vip| vip.is_ipv4() == is_v4) {
            text += &format!("\troute {vip}/{length} blackhole{marks};\n");
        }
        text += "}\n";
    }
    text
}

/// Writes the file in one step, for BIRD's user to read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::set_permissions(&new, Permissions::from_mode(0o644))?;
    fs::rename(&new, path)
}

/// Has BIRD read its configuration; returns the number and the text of its answer.
async fn configure(socket: &Path) -> io::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket).await?;
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader.take(LONGEST)).lines();
    answer(&mut lines).await?;
    writer.write_all(b"configure\n").await?;
    answer(&mut lines).await
}

/// Number and text of the next answer.
async fn answer(lines: &mut Lines<impl AsyncBufRead + Unpin>) -> io::Result<(u16, String)> {
    loop {
        let line = lines.next_line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some(answer) = last(&line) {
            return Ok(answer);
        }
    }
}

/// Number and text of an answer, if this is its last line: four digits and a space.
fn last(line: &str) -> Option<(u16, String)> {
    let (code, text) = line.split_once(' ')?;
    (code.len() == 4).then_some((code.parse().ok()?, text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, Write};
    use std::os::unix::net::UnixListener;
    use std::thread;

    fn vips(vips: &[&str]) -> BTreeSet<IpAddr> {
        vips.iter().map(|vip| vip.parse().expect("an address")).collect()
    }

    #[test]
    fn every_vip_is_a_route() {
        let expected = "# Written by handoff, which will overwrite it.\n\
            protocol static handoff4 {\n\tipv4;\n\troute 192.0.2.10/32 blackhole { bgp_community.add((65000, 100)); };\n}\n\
            protocol static handoff6 {\n\tipv6;\n\troute 2001:db8::10/128 blackhole { bgp_community.add((65000, 100)); };\n}\n";
        assert_eq!(text(&vips(&["2001:db8::10", "192.0.2.10"]), &[Community(65_000, 100)]), expected);
        assert!(!text(&vips(&[]), &[]).contains("route"));
    }

    #[test]
    fn the_last_line_of_an_answer_has_a_space_behind_its_number() {
        assert_eq!(last("0003 Reconfigured"), Some((3, "Reconfigured".to_owned())));
        assert_eq!(last("0002-Reading configuration from /etc/bird/bird.conf"), None);
        assert_eq!(last(" more of the same"), None);
    }

    /// A BIRD that gives these answers, one for each connection, and then is gone.
    fn bird(socket: &Path, answers: &'static [&'static str]) -> thread::JoinHandle<()> {
        let listener = UnixListener::bind(socket).expect("a socket");
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a connection");
                stream.write_all(b"0001 BIRD 2.0.12 ready.\n").expect("it listens");
                let mut line = String::new();
                io::BufReader::new(stream.try_clone().expect("a stream")).read_line(&mut line).expect("a command");
                assert_eq!(line, "configure\n");
                stream.write_all(answer.as_bytes()).expect("it listens");
            }
        })
    }

    #[tokio::test]
    async fn bird_is_told_until_it_has_understood_and_not_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (socket, file) = (folder.path().join("bird.ctl"), folder.path().join("run/bird.conf"));
        let mut driver = Bird::new(&socket, &file, &[]);
        let wanted = vips(&["192.0.2.10"]);
        assert!(matches!(driver.set(&wanted).await, Err(Error::Bird { .. })), "nobody is there");
        let answers = &["0002-Reading configuration\n8002 bird.conf, line 7: syntax error\n", "0003 Reconfigured\n"];
        let bird = bird(&socket, answers);
        let refused = driver.set(&wanted).await.expect_err("a refusal").to_string();
        assert!(refused.contains("8002 bird.conf, line 7: syntax error"), "{refused}");
        assert!(driver.set(&wanted).await.is_ok());
        bird.join().expect("both were asked for");
        assert!(driver.set(&wanted).await.is_ok(), "it need not be asked again");
        assert!(fs::read_to_string(&file).expect("a file").contains("192.0.2.10/32"));
        assert!(driver.set(&vips(&[])).await.is_err(), "it has to hear of the change");
    }
}
