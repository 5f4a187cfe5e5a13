//! What every request has to get through.

use super::access::{Access, Visitor, needed};
use super::attempts::Attempts;
use super::session::Sessions;
use super::site::{self, Foreign};
use super::token::Token;
use crate::control::Discreet;
use crate::control::role::Role;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Scripts and styles come from this server alone, and none are within the page; nobody shows it within another.
const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What the server knows of its visitors.
pub(super) struct Gate {
    /// Whether only this machine gets here.
    pub(super) is_local: bool,
    /// Whether there is TLS.
    pub(super) is_secure: bool,
    /// Name of the cookie. Cookies are the same for all ports of a machine, so each server has a name of its own.
    pub(super) cookie: String,
    pub(super) token: Token,
    pub(super) sessions: Sessions,
    pub(super) attempts: Mutex<Attempts>,
}

/// What the certificate of a visitor says, if there is one. Without TLS, requests do not have this extension.
#[derive(Clone, Copy, Default)]
pub(super) struct Certificate(pub(super) Option<Role>);

impl Gate {
    /// What whoever sends the request may do.
    pub(super) fn access(&self, headers: &HeaderMap, Certificate(certificate): Certificate) -> Access {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let session = pairs.find_map(|(name, value)| (name == self.cookie).then_some(value));
        let has_logged_in = session.is_some_and(|session| self.sessions.holds(session, SystemTime::now()));
        Visitor { is_local: self.is_local, certificate, has_logged_in }.access()
    }

    fn check(&self, request: &Request) -> Result<Access, (StatusCode, &'static str)> {
        let scheme = if self.is_secure { "https" } else { "http" };
        site::check(self.is_local, scheme, request.method(), request.headers()).map_err(|foreign| match foreign {
            Foreign::Host => (StatusCode::MISDIRECTED_REQUEST, "this is no name of the dashboard: use that of its URL"),
            Foreign::Origin => (StatusCode::FORBIDDEN, "only the dashboard's own page may ask for that"),
        })?;
        let certificate: Certificate = request.extensions().get().copied().unwrap_or_default();
        let access = self.access(request.headers(), certificate);
        match needed(request.method(), request.uri().path()) {
            None => Err((StatusCode::NOT_FOUND, "the dashboard has no such page")),
            Some(needed) if needed <= access => Ok(access),
            Some(_) if certificate.0.is_some() => Err((
                StatusCode::FORBIDDEN,
                "this certificate only lets you look: log in, or be named in dashboard: admins",
            )),
            Some(_) => Err((StatusCode::UNAUTHORIZED, "log in first: `handoff dashboard` prints the URL for that")),
        }
    }
}

/// Lets a request through, if it may pass.
pub(super) async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let mut response = match gate.check(&request) {
        Ok(access) => {
            if access < Access::Flows {
                request.extensions_mut().insert(Discreet);
            }
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    // The page is of the same version as the agent, and numbers are of now.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
