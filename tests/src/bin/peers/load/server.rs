use super::bulk::PIECE;
use super::connections::PATIENCE;
use super::threads::{cpus, stay_on};
use super::{ANSWER, PORT, REQUEST_LEN, Wish};
use anyhow::{Context, Result};
use lb_user::lab::Namespace;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, recv, send};
use socket2::{Domain, Socket, Type};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A server in each of some namespaces. Dropping it stops them.
#[derive(Debug)]
pub(crate) struct Servers {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Servers {
    /// Starts a thread on each CPU, which serves in all namespaces what comes in on that CPU.
    pub(crate) fn start(namespaces: &[Namespace]) -> Result<Self> {
        let mut servers = Self { is_over: Arc::default(), threads: Vec::new() };
        for cpu in cpus()? {
            let listen = |namespace: &Namespace| namespace.run(|| listen(cpu))?;
            let listeners = namespaces.iter().map(listen).collect::<Result<_>>()?;
            let mut server = Server::new(listeners)?;
            let is_over = servers.is_over.clone();
            servers.threads.push(thread::spawn(move || {
                let served = stay_on(cpu).and_then(|()| server.serve(&is_over));
                if let Err(error) = served {
                    eprintln!("a server has ended: {error:#}");
                }
            }));
        }
        Ok(servers)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It has said what was wrong, if it was.
            let _ = thread.join();
        }
    }
}

/// Listens for what comes in on `cpu`; listeners for the other CPUs have the same port.
fn listen(cpu: usize) -> Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_cpu_affinity(cpu)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)).into())?;
    socket.listen(4_096).with_context(|| format!("cannot listen at port {PORT}"))?;
    Ok(socket.into())
}

/// What one thread has.
struct Server {
    epoll: Epoll,
    listeners: Vec<TcpListener>,
    /// Events of the connection in place N have the number N after those of the listeners.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
}

struct Connection {
    stream: TcpStream,
    wish: Option<Wish>,
    /// Bytes of the request that is coming in.
    received: usize,
}

/// Whether a connection goes on.
#[derive(PartialEq, Eq)]
enum Next {
    /// When there is more to read.
    Read,
    /// When more can be written.
    Write,
    End,
}

impl Server {
    fn new(listeners: Vec<TcpListener>) -> Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (number, listener) in listeners.iter().enumerate() {
            epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, number as u64))?;
        }
        Ok(Self { epoll, listeners, connections: Vec::new(), free: Vec::new(), buffer: vec![0; PIECE] })
    }

    fn serve(&mut self, is_over: &AtomicBool) -> Result<()> {
        let mut events = [EpollEvent::empty(); 64];
        while !is_over.load(Ordering::Relaxed) {
            let count = self.epoll.wait(&mut events, PATIENCE)?;
            for event in &events[..count] {
                let number = event.data() as usize;
                match number.checked_sub(self.listeners.len()) {
                    None => self.accept(number)?,
                    Some(place) => self.go_on(place)?,
                }
            }
        }
        Ok(())
    }

    /// Takes new connections. Most have their request with them and end here.
    fn accept(&mut self, number: usize) -> Result<()> {
        for _ in 0..16 {
            let stream = match self.listeners[number].accept() {
                Ok((stream, _)) => stream,
                // It may have ended before anybody got to it.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => break,
                Err(error) => return Err(error).context("cannot accept a connection"),
            };
            let mut connection = Connection { stream, wish: None, received: 0 };
            let when = match connection.go_on(&mut self.buffer) {
                Next::End => continue,
                Next::Read => EpollFlags::EPOLLIN,
                Next::Write => EpollFlags::EPOLLOUT,
            };
            let place = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let event = EpollEvent::new(when, (self.listeners.len() + place) as u64);
            self.epoll.add(&connection.stream, event)?;
            self.connections[place] = Some(connection);
        }
        Ok(())
    }

    fn go_on(&mut self, place: usize) -> Result<()> {
        let Some(connection) = &mut self.connections[place] else { return Ok(()) };
        match connection.go_on(&mut self.buffer) {
            Next::Read => {}
            Next::Write => {
                let mut event = EpollEvent::new(EpollFlags::EPOLLOUT, (self.listeners.len() + place) as u64);
                self.epoll.modify(&connection.stream, &mut event)?;
            }
            Next::End => {
                self.connections[place] = None;
                self.free.push(place);
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Does what can be done without waiting. Whatever goes wrong is the client's to count.
    fn go_on(&mut self, buffer: &mut [u8]) -> Next {
        if self.wish == Some(Wish::Download) {
            return match send(self.stream.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
                Ok(_) | Err(Errno::EAGAIN) => Next::Write,
                Err(_) => Next::End,
            };
        }
        let room = if self.wish == Some(Wish::Upload) { buffer.len() } else { REQUEST_LEN - self.received };
        let len = match recv(self.stream.as_raw_fd(), &mut buffer[..room], MsgFlags::MSG_DONTWAIT) {
            Ok(0) => return Next::End,
            Ok(len) => len,
            Err(Errno::EAGAIN) => return Next::Read,
            Err(_) => return Next::End,
        };
        if self.wish == Some(Wish::Upload) {
            return Next::Read;
        }
        self.wish = Wish::of(buffer[0]);
        self.received += len;
        if self.received < REQUEST_LEN {
            return Next::Read;
        }
        self.received = 0;
        self.answer()
    }

    /// Answers a request that is complete.
    fn answer(&mut self) -> Next {
        match self.wish {
            // The end of the connection goes into the segment of the answer.
            Some(Wish::AnswerAndClose) => {
                self.send_answer(MsgFlags::from_bits_retain(nix::libc::MSG_MORE));
                Next::End
            }
            Some(Wish::Answer) if self.send_answer(MsgFlags::empty()) => Next::Read,
            Some(Wish::Upload) => Next::Read,
            Some(Wish::Download) => Next::Write,
            Some(Wish::Answer) | None => Next::End,
        }
    }

    fn send_answer(&self, how: MsgFlags) -> bool {
        let flags = how | MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        send(self.stream.as_raw_fd(), &ANSWER, flags) == Ok(ANSWER.len())
    }
}
