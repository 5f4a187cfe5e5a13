//! `/session`: who I am, logging in, logging out.

use super::access::Access;
use super::attempts::WINDOW;
use super::gate::{Certificate, Gate};
use super::session::LIFETIME;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, PoisonError};
use std::time::{Instant, SystemTime};
use zeroize::Zeroizing;

/// What the page may offer.
#[derive(Serialize)]
struct Session {
    access: Access,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    token: Zeroizing<String>,
}

pub(super) fn routes(gate: Arc<Gate>) -> Router {
    Router::new().route("/session", get(session).post(login).delete(logout)).with_state(gate)
}

async fn session(
    State(gate): State<Arc<Gate>>,
    certificate: Option<Extension<Certificate>>,
    headers: HeaderMap,
) -> Json<Session> {
    Json(Session { access: gate.access(&headers, certificate.map_or_else(Certificate::default, |Extension(it)| it)) })
}

async fn login(State(gate): State<Arc<Gate>>, Json(login): Json<Login>) -> Response {
    // The right one is taken however many wrong ones there were: else anybody could lock everybody out.
    if gate.token.is(&login.token) {
        let cookie = gate.cookie(&gate.sessions.begin(SystemTime::now()), LIFETIME.as_secs());
        let session = Json(Session { access: Access::Operate });
        return (AppendHeaders([(header::SET_COOKIE, cookie)]), session).into_response();
    }
    let are_too_many = gate.attempts.lock().unwrap_or_else(PoisonError::into_inner).fail(Instant::now());
    if !are_too_many {
        return (StatusCode::UNAUTHORIZED, "this is not the token: `handoff dashboard` prints it").into_response();
    }
    let wait = AppendHeaders([(header::RETRY_AFTER, WINDOW.as_secs().to_string())]);
    let refusal = "this is not the token, and there were too many wrong ones: try again in a minute";
    (StatusCode::TOO_MANY_REQUESTS, wait, refusal).into_response()
}

async fn logout(State(gate): State<Arc<Gate>>) -> impl IntoResponse {
    (StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, gate.cookie("", 0))]))
}

impl Gate {
    /// No script reads it, and no other site's page has it sent.
    fn cookie(&self, value: &str, seconds: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.cookie)
    }
}
