use super::Error;
use crate::health::socket;
use crate::health::target::Target;

/// Whether the target takes a connection.
pub(super) async fn probe(target: &Target) -> Result<(), Error> {
    socket::tcp(target.address, target.mark).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::Probe;
    use crate::health::probe::testing::{nobody, server, told};
    use std::future;

    #[tokio::test]
    async fn who_takes_connections_is_healthy() {
        assert_eq!(told(server(|_| future::pending()).await, Probe::Tcp).await, "");
        assert_eq!(told(nobody().await, Probe::Tcp).await, "connection refused");
    }
}
