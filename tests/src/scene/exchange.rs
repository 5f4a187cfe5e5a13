use super::Responder;
use super::content::{content, digest, expected};
use anyhow::{Context, Result, ensure};
use lb_user::lab::Namespace;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::{io, str};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net;

/// Bytes that a server's name takes, in front of all that it sends.
const NAME: usize = 16;
/// Bytes that are read at once; no datagram is longer.
const BUFFER: usize = 64 * 1024;

impl Responder {
    /// Takes and gives content over TCP, by either family, with everyone who connects to `port` in `namespace`: see [`exchange`].
    ///
    /// # Errors
    /// When the port is taken.
    pub fn exchanging(namespace: &Namespace, port: u16, name: &str) -> Result<Self> {
        let listener = namespace.run(|| TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)))??;
        listener.set_nonblocking(true)?;
        let name = padded(name)?;
        Self::run(move || async move {
            let listener = net::TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(converse(stream, name));
            }
        })
    }

    /// Sends every datagram back that comes to `address` in `namespace`: see [`echo`].
    ///
    /// # Errors
    /// When the port is taken.
    pub fn echoing(namespace: &Namespace, address: SocketAddr, name: &str) -> Result<Self> {
        let socket = namespace.run(|| UdpSocket::bind(address))??;
        socket.set_nonblocking(true)?;
        let name = padded(name)?;
        Self::run(move || async move {
            let socket = net::UdpSocket::from_std(socket)?;
            let mut datagram = vec![0; BUFFER];
            loop {
                let (len, client) = socket.recv_from(&mut datagram).await?;
                socket.send_to(&[&name, &datagram[..len]].concat(), client).await?;
            }
        })
    }
}

/// Uploads `up` bytes of content over a connection, then downloads `down` bytes. Returns the name of the server.
///
/// # Errors
/// When what arrives at either end is not what was sent.
pub fn exchange(connection: &mut TcpStream, up: u64, down: u64) -> Result<String> {
    connection.set_nodelay(true)?;
    connection.write_all(&[up.to_be_bytes(), down.to_be_bytes()].concat())?;
    for piece in content(up) {
        connection.write_all(&piece)?;
    }
    let (mut name, mut uploaded) = ([0; NAME], [0; 8]);
    connection.read_exact(&mut name)?;
    connection.read_exact(&mut uploaded)?;
    ensure!(u64::from_be_bytes(uploaded) == expected(up), "the upload was damaged");

    let (mut download, mut digest) = (connection.take(down), digest());
    let mut buffer = vec![0; BUFFER];
    loop {
        let len = download.read(&mut buffer)?;
        if len == 0 {
            break;
        }
        digest.update(&buffer[..len]);
    }
    ensure!(download.limit() == 0, "{} of {down} bytes are missing", download.limit());
    ensure!(digest.finalize() == expected(down), "the download was damaged");
    unpadded(&name)
}

/// Sends a datagram of `len` bytes through a connected socket. Returns the name of the server that sent it back.
///
/// # Errors
/// When no answer comes, or another one.
pub fn echo(socket: &UdpSocket, len: u64) -> Result<String> {
    let payload: Vec<u8> = content(len).flatten().collect();
    socket.send(&payload)?;
    let mut answer = vec![0; BUFFER];
    let received = socket.recv(&mut answer).context("no answer to a datagram")?;
    let (name, echoed) = answer[..received].split_at_checked(NAME).context("an answer without a name")?;
    ensure!(echoed == payload, "a datagram of {len} bytes came back as another one of {} bytes", echoed.len());
    unpadded(name)
}

/// The server's side of [`exchange`], until the client has closed its side.
async fn converse(mut connection: net::TcpStream, name: [u8; NAME]) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let (up, down) = (connection.read_u64().await?, connection.read_u64().await?);
        let (mut upload, mut digest) = ((&mut connection).take(up), digest());
        while upload.limit() > 0 {
            let len = upload.read(&mut buffer).await?;
            if len == 0 {
                return Ok(());
            }
            digest.update(&buffer[..len]);
        }
        connection.write_all(&[&name[..], &digest.finalize().to_be_bytes()].concat()).await?;
        for piece in content(down) {
            connection.write_all(&piece).await?;
        }
    }
}

fn padded(name: &str) -> Result<[u8; NAME]> {
    format!("{name:NAME$}").as_bytes().try_into().with_context(|| format!("the name {name} is too long"))
}

fn unpadded(name: &[u8]) -> Result<String> {
    Ok(str::from_utf8(name)?.trim_end().to_owned())
}
