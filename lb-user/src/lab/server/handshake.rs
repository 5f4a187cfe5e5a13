use nix::time::{ClockId, clock_gettime};
use rustls::HandshakeKind;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// TLS handshakes of a server, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handshakes {
    /// Those that made a new session.
    pub full: Cost,
    /// Those that went on with an old one.
    pub resumed: Cost,
}

/// Handshakes of one kind, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many.
    pub count: u64,
    /// The processor time of the server's thread for all of them, without its calls to the kernel to read and write: TLS alone.
    pub cpu: Duration,
}

impl Handshakes {
    /// Those since `before`.
    pub fn since(self, before: Self) -> Self {
        Self { full: self.full.since(before.full), resumed: self.resumed.since(before.resumed) }
    }

    /// These and `other` ones.
    pub fn and(self, other: Self) -> Self {
        Self { full: self.full.and(other.full), resumed: self.resumed.and(other.resumed) }
    }

    /// Both kinds together.
    pub fn all(self) -> Cost {
        self.full.and(self.resumed)
    }
}

impl Cost {
    /// Processor time of one handshake, in microseconds; `None` when there was none.
    pub fn each_us(self) -> Option<f64> {
        (self.count > 0).then(|| self.cpu.as_secs_f64() * 1e6 / self.count as f64)
    }

    fn since(self, before: Self) -> Self {
        Self { count: self.count.saturating_sub(before.count), cpu: self.cpu.saturating_sub(before.cpu) }
    }

    fn and(self, other: Self) -> Self {
        Self { count: self.count + other.count, cpu: self.cpu + other.cpu }
    }
}

/// Does the handshake on `stream`, and counts it in `handshakes` if it succeeds.
pub(super) async fn accept(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    handshakes: &Mutex<Handshakes>,
) -> io::Result<TlsStream<Metered>> {
    let in_kernel = Arc::new(AtomicU64::new(0));
    let mut handshake = pin!(acceptor.accept(Metered { stream, in_kernel: Some(in_kernel.clone()) }));
    let mut cpu = Duration::ZERO;
    let measured = |context: &mut Context<'_>| {
        let (polled, time) = timed(|| handshake.as_mut().poll(context));
        cpu += time;
        polled
    };
    let mut stream = poll_fn(measured).await?;
    let (metered, connection) = stream.get_mut();
    metered.in_kernel = None;
    let cpu = cpu.saturating_sub(Duration::from_nanos(in_kernel.load(Ordering::Relaxed)));

    // Counting does not panic half-way.
    let mut handshakes = handshakes.lock().unwrap_or_else(PoisonError::into_inner);
    let is_resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
    let cost = if is_resumed { &mut handshakes.resumed } else { &mut handshakes.full };
    *cost = cost.and(Cost { count: 1, cpu });
    Ok(stream)
}

/// A connection that knows how long its thread was in the kernel for it, until the handshake is over.
#[derive(Debug)]
pub(super) struct Metered {
    stream: TcpStream,
    /// Nanoseconds.
    in_kernel: Option<Arc<AtomicU64>>,
}

impl Metered {
    fn metered<T>(&mut self, work: impl FnOnce(Pin<&mut TcpStream>) -> T) -> T {
        let stream = Pin::new(&mut self.stream);
        let Some(in_kernel) = &self.in_kernel else { return work(stream) };
        let (done, time) = timed(|| work(stream));
        in_kernel.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
        done
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.metered(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.metered(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.metered(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.metered(|stream| stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.metered(|stream| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Does `work`, and says how much processor time it took this thread.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = thread_time();
    let done = work();
    (done, thread_time().saturating_sub(begin))
}

fn thread_time() -> Duration {
    // The clock is in every kernel since 2.6.12: there is nothing that could fail.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn time_is_that_of_the_processor() {
        let ((), asleep) = timed(|| sleep(50 * MILLISECOND));
        assert!(asleep < 40 * MILLISECOND, "{asleep:?}");
        let end = thread_time() + 5 * MILLISECOND;
        let ((), working) = timed(|| while thread_time() < end {});
        assert!(working >= 4 * MILLISECOND, "{working:?}");
    }

    #[test]
    fn a_handshake_costs_the_mean() {
        let cost = |count, ms| Cost { count, cpu: ms * MILLISECOND };
        let before = Handshakes { full: cost(10, 10), resumed: cost(0, 0) };
        let after = Handshakes { full: cost(14, 12), resumed: cost(12, 3) };
        let between = after.since(before);
        assert_eq!(between, Handshakes { full: cost(4, 2), resumed: cost(12, 3) });
        assert_eq!(between.full.each_us(), Some(500.0));
        assert_eq!(between.resumed.each_us(), Some(250.0));
        assert_eq!(between.all().each_us(), Some(312.5));
        assert_eq!(before.resumed.each_us(), None);
        assert_eq!(before.and(between), after);
    }
}
