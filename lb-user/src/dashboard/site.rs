//! Whether a request means this server and comes from its own page. A browser does not stop other sites' pages from sending requests here,
//! and a name of somebody else's may stand for this machine's address (DNS rebinding).

use axum::http::{HeaderMap, Method, header};
use std::net::{IpAddr, SocketAddr};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It means another server.
    Host,
    /// It comes from another site's page.
    Origin,
}

/// Looks at `Host` and, where something may be changed, at `Origin`. Whoever `is_local` goes by the names of this machine alone; beyond
/// that, TLS has shown that the name is this server's.
pub(super) fn check(is_local: bool, scheme: &str, method: &Method, headers: &HeaderMap) -> Result<(), Foreign> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = value(header::HOST).filter(|host| !is_local || is_loopback(host)).ok_or(Foreign::Host)?;
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let origin = value(header::ORIGIN).ok_or(Foreign::Origin)?;
    if origin == format!("{scheme}://{host}") { Ok(()) } else { Err(Foreign::Origin) }
}

/// Any port will do: it may be the other end of a tunnel.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost"
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        || host.parse().is_ok_and(|address: SocketAddr| address.ip().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(is_local: bool, method: &Method, host: &str, origin: Option<&str>) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        check(is_local, "http", method, &headers)
    }

    #[test]
    fn a_local_server_goes_by_local_names_alone() {
        for host in ["127.0.0.1:9680", "localhost:8080", "localhost", "[::1]:9680", "127.0.0.1"] {
            assert_eq!(ask(true, &Method::GET, host, None), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "evil.example:9680", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", ""]
        {
            assert_eq!(ask(true, &Method::GET, host, None), Err(Foreign::Host), "{host}");
        }
        assert_eq!(ask(false, &Method::GET, "lb.example.org", None), Ok(()));
        assert_eq!(check(true, "http", &Method::GET, &HeaderMap::new()), Err(Foreign::Host));
    }

    #[test]
    fn only_the_own_page_may_change_something() {
        let host = "127.0.0.1:9680";
        assert_eq!(ask(true, &Method::POST, host, Some("http://127.0.0.1:9680")), Ok(()));
        for origin in [
            None,
            Some("null"),
            Some("http://evil.example"),
            Some("https://127.0.0.1:9680"),
            Some("http://127.0.0.1:80"),
        ] {
            assert_eq!(ask(true, &Method::POST, host, origin), Err(Foreign::Origin), "{origin:?}");
        }
    }
}
