//! Who may do what: the one place that decides it.

use super::listener::names;
use super::traffic::{CAPTURE, TRACE};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use rustls::pki_types::CertificateDer;
use std::collections::BTreeSet;

/// What a client of the API may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything: whoever may open the control socket, and clients that the configuration names.
    Admin,
    /// Look: every other client with a valid certificate.
    ReadOnly,
}

impl Role {
    /// The role of a client with this certificate, whose signature and validity were checked.
    pub(crate) fn of(certificate: &CertificateDer<'_>, admins: &BTreeSet<String>) -> Self {
        if names(certificate).is_disjoint(admins) { Self::ReadOnly } else { Self::Admin }
    }

    /// Lets clients with this role use the routes as far as they may.
    pub(super) fn guard(self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self, pass))
    }

    /// Whoever only looks, asks with methods that change nothing, and for numbers: packets are their senders' own affair, and few can
    /// record them at once.
    pub(crate) fn may(self, method: &Method, path: &str) -> bool {
        let looks = method == Method::GET || method == Method::HEAD;
        self == Self::Admin || looks && !matches!(path, CAPTURE | TRACE)
    }
}

async fn pass(State(role): State<Role>, request: Request, next: Next) -> Response {
    if role.may(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let refusal =
        "this certificate only lets you look: the agent's configuration names those that may do more in api: admins";
    (StatusCode::FORBIDDEN, refusal).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    fn certificate(names: &[SanType]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn an_admin_is_named_by_its_certificate_and_the_configuration() {
        let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
        let uri = |name: &str| SanType::URI(name.try_into().unwrap());
        let admins = ["ops.example.org", "spiffe://example.org/ops"].map(str::to_owned).into();
        let role = |names: &[SanType]| Role::of(&certificate(names), &admins);
        assert_eq!(role(&[dns("ops.example.org")]), Role::Admin);
        assert_eq!(role(&[dns("other.example.org"), uri("spiffe://example.org/ops")]), Role::Admin);
        for others in [&[][..], &[dns("ops.example.org.evil.example")], &[uri("spiffe://example.org/ops/2")]] {
            assert_eq!(role(others), Role::ReadOnly, "{others:?}");
        }
        // A name in the configuration is a name, not a pattern, and so is one in a certificate.
        assert_eq!(role(&[dns("*.example.org")]), Role::ReadOnly);
        assert_eq!(Role::of(&CertificateDer::from(vec![0x30, 0]), &admins), Role::ReadOnly);
    }

    #[test]
    fn packets_are_for_admins() {
        for path in [CAPTURE, TRACE] {
            assert!(!Role::ReadOnly.may(&Method::GET, path) && Role::Admin.may(&Method::GET, path), "{path}");
        }
    }

    #[test]
    fn whoever_only_looks_changes_nothing() {
        for method in [Method::GET, Method::HEAD] {
            assert!(Role::ReadOnly.may(&method, "/v1/status") && Role::Admin.may(&method, "/v1/status"));
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            assert!(!Role::ReadOnly.may(&method, "/v1/status") && Role::Admin.may(&method, "/v1/status"));
        }
    }
}
