use super::{ANSWER, TARGET, Wish};
use anyhow::{Context, Result, ensure};
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// A connection of one request, which the server ends with its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    stream: TcpStream,
    has_asked: bool,
    received: usize,
}

impl Exchange {
    /// Begins to connect. Events of the connection have the number `slot`.
    pub(super) fn begin(epoll: &Epoll, slot: usize) -> Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).context("cannot make a socket")?;
        match socket.connect(&TARGET.into()) {
            Err(error) if error.raw_os_error() != Some(nix::libc::EINPROGRESS) => {
                return Err(error).with_context(|| format!("cannot connect to {TARGET}"));
            }
            _ => {}
        }
        let stream = TcpStream::from(socket);
        // Told once of each change, so one call registers it for all of its life.
        let changes = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        epoll.add(&stream, EpollEvent::new(changes, slot as u64))?;
        Ok(Self { stream, has_asked: false, received: 0 })
    }

    /// Does what can be done after an event; whether the answer is complete, and the connection at its end.
    pub(super) fn go_on(&mut self) -> Result<bool> {
        if !self.has_asked {
            let request = Wish::AnswerAndClose.request();
            match self.stream.write(&request) {
                Ok(len) => ensure!(len == request.len(), "a request was cut"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            self.has_asked = true;
            return Ok(false);
        }
        loop {
            match self.stream.read(&mut [0; 2 * ANSWER.len()]) {
                Ok(0) => {
                    ensure!(self.received == ANSWER.len(), "{} bytes of an answer came", self.received);
                    return Ok(true);
                }
                Ok(len) => self.received += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
