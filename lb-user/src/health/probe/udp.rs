use super::{Error, MOST};
use crate::config::UdpProbe;
use crate::health::socket;
use crate::health::target::Target;

/// Whether the target answers a datagram as it should.
pub(super) async fn probe(target: &Target, udp: &UdpProbe) -> Result<(), Error> {
    let socket = socket::udp(target).await?;
    socket.send(&udp.send).await?;
    let mut answer = vec![0; MOST];
    let len = socket.recv(&mut answer).await?;
    let expected = &udp.expect;
    if expected.is_empty() || answer[..len].windows(expected.len()).any(|window| window == expected) {
        Ok(())
    } else {
        Err(Error::Datagram(len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Probe;
    use crate::health::probe::testing::{answering, nobody, told, told_soon};

    fn ping(expect: &str) -> Probe {
        Probe::Udp(UdpProbe { send: b"ping".to_vec(), expect: expect.as_bytes().to_vec() })
    }

    #[tokio::test]
    async fn the_answer_decides() {
        let address = answering(|question| [b"<", question, b"pong>"].concat()).await;
        assert_eq!(told(address, ping("")).await, "");
        assert_eq!(told(address, ping("pong")).await, "");
        assert_eq!(told(address, ping("gnop")).await, "an answer of 10 bytes without what is expected");
    }

    #[tokio::test]
    async fn who_does_not_answer_is_not_healthy() {
        assert_eq!(told_soon(answering(|_| Vec::new()).await, ping("")).await, "no answer within 200ms");
        assert_eq!(told(nobody().await, ping("")).await, "connection refused");
    }
}
