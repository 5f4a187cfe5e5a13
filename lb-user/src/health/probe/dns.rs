use super::Error;
use crate::config::DnsProbe;
use crate::health::socket;
use crate::health::target::Target;
use hickory_proto::op::{Message, MessageType, Query, ResponseCode};

/// Longest answer, in bytes: name servers send no longer ones to who does not ask for them (RFC 1035, 4.2.1).
const LONGEST: usize = 512;

/// Whether the target answers a question as it should.
pub(super) async fn probe(target: &Target, dns: &DnsProbe) -> Result<(), Error> {
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(dns.name.clone(), dns.record));
    let socket = socket::udp(target).await?;
    socket.send(&question.to_vec().map_err(|error| Error::Dns(error.to_string()))?).await?;
    let mut answer = [0; LONGEST];
    let len = socket.recv(&mut answer).await?;
    let answer = Message::from_vec(&answer[..len]).map_err(|error| Error::Dns(error.to_string()))?;
    let is_answer = answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && answer.queries == question.queries;
    if !is_answer {
        return Err(Error::Dns("it is about another question".to_owned()));
    }
    let rcode = answer.metadata.response_code;
    if rcode == dns.rcode { Ok(()) } else { Err(Error::Rcode { rcode: name(rcode), expected: name(dns.rcode) }) }
}

/// As in the configuration: `refused`.
fn name(rcode: ResponseCode) -> String {
    format!("{rcode:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Probe;
    use crate::health::probe::testing::{answering, nobody, told, told_soon};
    use hickory_proto::rr::{Name, RecordType};
    use std::net::SocketAddr;

    fn question(rcode: ResponseCode) -> Probe {
        let name = Name::from_ascii("example.com.").expect("a name");
        Probe::Dns(DnsProbe { name, record: RecordType::SOA, rcode })
    }

    /// A name server whose answers are changed by `change`.
    async fn name_server(change: impl Fn(&mut Message) + Send + 'static) -> SocketAddr {
        answering(move |question| {
            let mut message = Message::from_vec(question).expect("a question");
            message.metadata.message_type = MessageType::Response;
            change(&mut message);
            message.to_vec().expect("an answer")
        })
        .await
    }

    #[tokio::test]
    async fn the_rcode_decides() {
        let address = name_server(|_| {}).await;
        assert_eq!(told(address, question(ResponseCode::NoError)).await, "");
        let address = name_server(|answer| answer.metadata.response_code = ResponseCode::Refused).await;
        assert_eq!(told(address, question(ResponseCode::Refused)).await, "");
        let error = told(address, question(ResponseCode::NoError)).await;
        assert_eq!(error, "rcode refused, expected noerror");
    }

    #[tokio::test]
    async fn other_answers_are_none() {
        let asked = || question(ResponseCode::NoError);
        let other = "no answer in DNS: it is about another question";
        for change in [
            |answer: &mut Message| answer.metadata.id ^= 1,
            |answer: &mut Message| answer.queries.clear(),
            |answer: &mut Message| answer.metadata.message_type = MessageType::Query,
        ] {
            assert_eq!(told(name_server(change).await, asked()).await, other);
        }
        let error = told(answering(|_| b"garbage".to_vec()).await, asked()).await;
        assert!(error.starts_with("no answer in DNS: "), "{error}");
        assert_eq!(told_soon(answering(|_| Vec::new()).await, asked()).await, "no answer within 200ms");
        assert_eq!(told(nobody().await, asked()).await, "connection refused");
    }
}
