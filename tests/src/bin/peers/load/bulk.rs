//! Bytes, as many as get through, in one direction.

use super::connections::PATIENCE;
use super::requests::connect;
use super::{Progress, Wish};
use anyhow::{Context, Result, ensure};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// Connections at once on each CPU.
const AT_ONCE: usize = 6;
/// Bytes that are read or written at once.
pub(super) const PIECE: usize = 128 * 1024;

/// Receives until it is over.
pub(crate) fn download(progress: &Progress) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    run(progress, Wish::Download, EpollFlags::EPOLLIN, |stream| {
        let len = stream.read(&mut buffer)?;
        if len == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(len) }
    })
}

/// Sends until it is over.
pub(crate) fn upload(progress: &Progress) -> Result<()> {
    let buffer = vec![0; PIECE];
    run(progress, Wish::Upload, EpollFlags::EPOLLOUT, |stream| stream.write(&buffer))
}

fn run(
    progress: &Progress,
    wish: Wish,
    when: EpollFlags,
    mut transfer: impl FnMut(&mut TcpStream) -> std::io::Result<usize>,
) -> Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut streams = Vec::new();
    for slot in 0..AT_ONCE {
        let mut stream = connect()?;
        let request = wish.request();
        ensure!(stream.write(&request)? == request.len(), "a request was cut");
        epoll.add(&stream, EpollEvent::new(when, slot as u64))?;
        streams.push(stream);
    }
    let mut events = [EpollEvent::empty(); AT_ONCE];
    while !progress.is_over() {
        let count = epoll.wait(&mut events, PATIENCE)?;
        for event in &events[..count] {
            match transfer(&mut streams[event.data() as usize]) {
                Ok(len) => progress.add(len),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).with_context(|| format!("a transfer ended ({wish:?})")),
            }
        }
    }
    Ok(())
}
