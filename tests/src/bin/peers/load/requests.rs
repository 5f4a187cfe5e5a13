//! One request after the other over connections that stay open.

use super::connections::PATIENCE;
use super::{ANSWER, Progress, TARGET, Wish};
use anyhow::{Context, Result, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Connections at once on each CPU.
const AT_ONCE: usize = 16;

/// Sends requests until it is over.
pub(crate) fn run(progress: &Progress) -> Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut streams = Vec::new();
    for slot in 0..AT_ONCE {
        let mut stream = connect()?;
        epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, slot as u64))?;
        ask(&mut stream)?;
        streams.push((stream, 0));
    }
    let mut events = [EpollEvent::empty(); AT_ONCE];
    while !progress.is_over() {
        let count = epoll.wait(&mut events, PATIENCE)?;
        for event in &events[..count] {
            let (stream, received) = &mut streams[event.data() as usize];
            match stream.read(&mut [0; ANSWER.len()]) {
                Ok(0) => anyhow::bail!("a connection ended between requests"),
                Ok(len) => *received += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
            if *received >= ANSWER.len() {
                ensure!(*received == ANSWER.len(), "an answer that nobody had asked for");
                *received = 0;
                progress.add(1);
                ask(stream)?;
            }
        }
    }
    Ok(())
}

fn ask(stream: &mut TcpStream) -> Result<()> {
    stream.write_all(&Wish::Answer.request()).context("cannot send a request")
}

/// A connection that never waits, once it is there.
pub(super) fn connect() -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&TARGET, Duration::from_secs(5));
    let stream = stream.with_context(|| format!("cannot connect to {TARGET}"))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}
