//! The dashboard beyond loopback: TLS, and certificates or the token.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Pki, Scene, backends, eventually, http, http_status, service};
use lb_user::control::types::BackendState;
use std::fs;

const SERVERS: [(&str, &str); 2] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2")];
const HISTORY: &str = "GET /v1/history?since_s=60&measure=bytes";
const EXPLAIN: &str = "GET /v1/explain?client=198.18.0.1:40000&vip=198.18.255.1:443";
const CAPTURE: &str = "GET /v1/capture?count=1";
const DRAIN: (&str, &str) = ("POST /v1/override", r#"{"backend":"server-1","verb":"drain"}"#);

#[test]
fn visitors_may_do_what_their_certificate_or_the_token_lets_them() -> Result<()> {
    let scene = Scene::set("dash-tls", 2)?;
    let pki = Pki::make(&scene.site().run_folder())?;
    let agent = scene.start_agent_with(ON_ETH0, &(pki.dashboard() + &service("web", 443, "tcp", &SERVERS)))?;
    let visit = |who, request: &str, more: &str, body: &str| exchange(&scene, &pki, who, request, more, body);
    let status = |who, request: &str| visit(who, request, "", "").map(|answer| http_status(&answer).to_owned());
    eventually("the history is there", || Ok(status(Some("reader"), HISTORY)? == "200"))?;

    assert_eq!(status(None, "GET /")?, "200");
    for request in [HISTORY, EXPLAIN, CAPTURE] {
        assert_eq!(status(None, request)?, "401", "{request} of nobody in particular");
    }
    assert_eq!(status(Some("reader"), EXPLAIN)?, "200");
    for (request, body) in [(CAPTURE, ""), DRAIN] {
        let refusal = visit(Some("reader"), request, "", body)?;
        ensure!(refusal.starts_with("HTTP/1.1 403") && refusal.contains("dashboard: admins"), "{request}: {refusal}");
    }
    eventually("both are ready", || Ok(backends(&agent)?.iter().all(|it| it.state == BackendState::Ready)))?;
    assert_eq!(http_status(&visit(Some("admin"), DRAIN.0, "", DRAIN.1)?), "200");
    assert_eq!(backends(&agent)?[0].state, BackendState::Draining);

    // Whose certificate is worth nothing gets no answer at all, nor does who speaks no TLS.
    for who in ["expired", "stranger"] {
        assert_eq!(status(Some(who), "GET /")?, "", "{who}");
    }
    let mut plain = scene.connect(Pki::dashboard_address())?;
    let answer = http(&mut plain, "GET /", "Host: h\r\n", "");
    ensure!(!answer.starts_with("HTTP"), "an answer without TLS: {answer}");

    // The token does without a certificate, and its cookie does not travel without TLS.
    let token = fs::read_to_string(scene.site().state_folder().join("dashboard-token"))?;
    let login = format!(r#"{{"token":"{}"}}"#, token.trim());
    let answer = visit(None, "POST /session", "", &login)?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("no cookie")?;
    ensure!(cookie.ends_with("; Secure"), "{cookie}");
    let session = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap_or_default());
    assert_eq!(http_status(&visit(None, EXPLAIN, &session, "")?), "200");
    ensure!(agent.terminate()?.success(), "the agent did not end in good order");
    Ok(())
}

/// The answer to a request of the dashboard's own page in the browser of `who`; nothing if there is none.
fn exchange(scene: &Scene, pki: &Pki, who: Option<&str>, request: &str, more: &str, body: &str) -> Result<String> {
    let host = Pki::dashboard_address();
    let mut stream = pki.speak(scene.connect(host)?, who)?;
    let headers = format!("Host: {host}\r\nOrigin: https://{host}\r\nContent-Type: application/json\r\n{more}");
    Ok(http(&mut stream, request, &headers, body))
}
