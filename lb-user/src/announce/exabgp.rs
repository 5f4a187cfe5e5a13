use super::Error;
use super::driver::Action;
use crate::config::Community;
use nix::fcntl::OFlag;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// ExaBGP: commands of its text API, a line each, into its named pipe.
pub(super) struct ExaBgp {
    pipe: PathBuf,
    communities: Vec<Community>,
}

impl ExaBgp {
    pub(super) fn new(pipe: &Path, communities: &[Community]) -> Self {
        Self { pipe: pipe.to_owned(), communities: communities.to_vec() }
    }

    pub(super) fn make(&self, vip: IpAddr, action: Action) -> Result<(), Error> {
        write(&self.pipe, &self.command(vip, action))
            .map_err(|source| Error::ExaBgp { path: self.pipe.clone(), source })
    }

    fn command(&self, vip: IpAddr, action: Action) -> String {
        let length = if vip.is_ipv4() { 32 } else { 128 };
        let marks: Vec<_> = self.communities.iter().map(|Community(high, low)| format!("{high}:{low}")).collect();
        let marks = if marks.is_empty() { String::new() } else { format!(" community [{}]", marks.join(" ")) };
        format!("{action} route {vip}/{length} next-hop self{marks}\n")
    }
}

/// Writes into a named pipe that somebody reads, without waiting for them. A line as short as these arrives whole or not at all.
fn write(pipe: &Path, text: &str) -> io::Result<()> {
    let mut pipe = OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(pipe)?;
    if !pipe.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is not a named pipe"));
    }
    pipe.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::fs::{self, File};
    use std::io::Read;

    #[test]
    fn commands_go_into_the_pipe_if_somebody_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("exabgp.in");
        mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
        let exabgp = ExaBgp::new(&path, &[Community(65_000, 100), Community(65_000, 666)]);
        let vip = IpAddr::from([192, 0, 2, 10]);
        assert!(matches!(exabgp.make(vip, Action::Announce), Err(Error::ExaBgp { .. })), "nobody reads");
        let options = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path);
        let mut reader: File = options.expect("a reader");
        exabgp.make(vip, Action::Announce).expect("a reader");
        ExaBgp::new(&path, &[]).make("2001:db8::10".parse().expect("a VIP"), Action::Withdraw).expect("a reader");
        let mut said = [0; 256];
        let count = reader.read(&mut said).expect("commands");
        assert_eq!(
            String::from_utf8_lossy(&said[..count]),
            "announce route 192.0.2.10/32 next-hop self community [65000:100 65000:666]\n\
             withdraw route 2001:db8::10/128 next-hop self\n"
        );
    }

    #[test]
    fn a_file_that_is_no_pipe_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("exabgp.in");
        fs::write(&path, "precious").expect("a file");
        assert!(ExaBgp::new(&path, &[]).make([192, 0, 2, 10].into(), Action::Announce).is_err());
        assert_eq!(fs::read_to_string(&path).expect("a file"), "precious");
    }
}
