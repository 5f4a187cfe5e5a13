//! The agents that a back-end fetches its rings from.

use crate::control::request::{causes, send};
use crate::control::tls::connect;
use crate::tickets::wire::{LARGEST, Report, RingMessage};
use crate::tickets::{RingName, Version};
use http_body_util::{BodyExt, Limited};
use hyper::{Method, StatusCode, Uri};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long an agent may take to be there.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer may take: agents hold requests back for less.
const ANSWER_PATIENCE: Duration = Duration::from_secs(40);

/// Agents that serve the same rings, one of which is asked until it does not answer.
#[derive(Clone, Debug)]
pub struct Agents {
    urls: Vec<Uri>,
    tls: Arc<ClientConfig>,
    current: usize,
}

/// Why an agent did not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{agent}: {reason}")]
pub struct NoAnswer {
    /// The agent.
    pub agent: String,
    /// What is in the way.
    pub reason: String,
}

impl Agents {
    /// The agents at these URLs (`https://HOST:PORT`), the first of which is asked first. `tls` shows them who asks, and knows who they
    /// must be.
    pub fn new(urls: Vec<Uri>, tls: Arc<ClientConfig>) -> Self {
        Self { urls, tls, current: 0 }
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.urls.len()
    }

    /// The ring with this name, as soon as there is another than `after`; `None` when there was none for a while. After an error, the next
    /// request goes to the next agent.
    ///
    /// # Errors
    /// When the agent cannot be reached, does not let us have the ring, or answers something else.
    pub async fn ring(&mut self, name: &RingName, after: Option<Version>) -> Result<Option<RingMessage>, NoAnswer> {
        let path = match after {
            Some(version) => format!("/v1/rings/{name}?after={version}"),
            None => format!("/v1/rings/{name}"),
        };
        let asked = self.ask(Method::GET, &path, Vec::new()).await;
        let parsed = asked.and_then(|(status, body)| match status {
            StatusCode::NO_CONTENT => Ok(None),
            _ => serde_json::from_slice(&body).map(Some).map_err(|error| format!("its answer is no ring: {error}")),
        });
        parsed.map_err(|reason| self.give_up(reason))
    }

    /// Tells the agent what came of a ring.
    ///
    /// # Errors
    /// When the agent cannot be reached, or does not want to know.
    pub async fn report(&mut self, name: &RingName, report: &Report) -> Result<(), NoAnswer> {
        let body = serde_json::to_vec(report).unwrap_or_default();
        let told = self.ask(Method::POST, &format!("/v1/rings/{name}/report"), body).await;
        told.map(drop).map_err(|reason| self.give_up(reason))
    }

    fn give_up(&mut self, reason: String) -> NoAnswer {
        let agent = self.urls.get(self.current).map(ToString::to_string).unwrap_or_default();
        self.current = (self.current + 1) % self.urls.len().max(1);
        NoAnswer { agent, reason }
    }

    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<(StatusCode, Zeroizing<Vec<u8>>), String> {
        let url = self.urls.get(self.current).ok_or("no agent is configured")?;
        let late = |_| "no answer in time".to_owned();
        let stream = timeout(CONNECT_PATIENCE, connect(url, Arc::clone(&self.tls))).await.map_err(late)??;
        timeout(ANSWER_PATIENCE, async {
            let response = send(stream, method, path, body).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| format!("its answer broke off: {}", causes(&*error)))?.to_bytes();
            let body = Zeroizing::new(body.to_vec());
            if status.is_success() {
                return Ok((status, body));
            }
            Err(format!("{status}: {}", String::from_utf8_lossy(&body).trim()))
        })
        .await
        .map_err(late)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::generate_simple_self_signed;
    use rustls::crypto::ring::default_provider;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{RootCertStore, ServerConfig};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// What comes of a ring when the agent answers with these bytes and hangs up.
    async fn after(answer: &'static str) -> Result<Option<RingMessage>, String> {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = || Arc::new(default_provider());
        let server = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into()).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(made.cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(trusted).with_no_client_auth();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap();
            let _ = stream.read(&mut [0; 1_024]).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        });
        let mut agents = Agents::new(vec![url.parse().unwrap()], Arc::new(client));
        let ring = RingName::try_from("shop".to_owned()).unwrap();
        agents.ring(&ring, None).await.map_err(|error| error.reason)
    }

    #[tokio::test]
    async fn what_is_cut_off_or_damaged_or_too_long_is_no_ring() {
        assert!(after("HTTP/1.1 204 No Content\r\n\r\n").await.unwrap().is_none());
        let cut = after("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"ring\":\"shop\",\"ver").await.unwrap_err();
        assert!(cut.starts_with("its answer broke off: "), "{cut}");
        let damaged = after("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"ring\":\"shop\"}").await.unwrap_err();
        assert!(damaged.starts_with("its answer is no ring: missing field"), "{damaged}");
        let long = after("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n").await.unwrap_err();
        assert!(long.starts_with("its answer broke off: "), "{long}");
        let gone = after("").await.unwrap_err();
        assert!(gone.starts_with("the agent hung up: "), "{gone}");
        let refused = after("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n").await.unwrap_err();
        assert_eq!(refused, "403 Forbidden: no");
    }
}
