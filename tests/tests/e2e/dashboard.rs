//! The dashboard, in a real browser, over the lab; and who gets in.

use anyhow::{Context, Result, ensure};
use lb_tests::browser::{Dashboard, Look, Page};
use lb_tests::scene::{Scene, eventually, http, http_status, outcome};
use lb_user::control::types::BackendStatus;
use serde_json::Value;
use std::env;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// The row of the first server.
const ROW: &str = "[data-backend='web/server-1']";

#[test]
fn every_graph_has_data_in_every_look_and_nobody_is_shut_out() -> Result<()> {
    let scene = Scene::set("dash-looks", 3)?;
    let dashboard = Dashboard::open(&scene)?;
    dashboard.wait_for_data()?;
    dashboard.screenshots(&pictures())?;
    for look in Look::ALL {
        dashboard.look(look)?;
        let width = dashboard.value("document.documentElement.scrollWidth - innerWidth")?;
        ensure!(width.as_i64().is_some_and(|width| width <= 0), "{look:?}: the page is {width} pixels too wide");
        assert_eq!(dashboard.violations()?, [""; 0], "{look:?}");
        // The same of a back-end's own page.
        dashboard.value(&format!("document.querySelector({ROW:?}).click()"))?;
        dashboard.wait_for("document.querySelector('#detail').open")?;
        dashboard.screenshot(&pictures().join(format!("back-end-{}.png", look.name())))?;
        assert_eq!(dashboard.violations()?, [""; 0], "{look:?}, back-end");
        dashboard.press("Escape")?;
        dashboard.wait_for("!document.querySelector('#detail').open")?;
    }
    assert_eq!(dashboard.complaints(), [""; 0]);
    dashboard.quiet().map(drop)
}

#[test]
fn the_page_and_the_command_line_say_the_same() -> Result<()> {
    let scene = Scene::set("dash-same", 3)?;
    let dashboard = Dashboard::open(&scene)?;
    dashboard.wait_for_data()?;
    let (page, _agent) = dashboard.quiet()?;
    // Connections of the last requests end, and the page hears of it.
    sleep(Duration::from_secs(4));
    let json = |command: &str| -> Result<Value> {
        let answer = scene.ask(&format!("{command} --json"))?;
        serde_json::from_str(&answer.stdout).with_context(|| format!("{command}: {answer:?}"))
    };
    let number = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>().parse::<u64>();
    let backends: Vec<BackendStatus> = serde_json::from_value(json("backends")?)?;
    for backend in &backends {
        let cell = |column: u8| page.text(&format!("[data-backend='web/{}'] td:nth-child({column})", backend.name));
        assert_eq!(cell(3)?, backend.address.to_string());
        assert_eq!(cell(4)?, "ready");
        assert_eq!(number(cell(6)?)?, backend.new_flows, "{}", backend.name);
        assert_eq!(number(cell(9)?)?, backend.live_flows, "{}", backend.name);
        assert_eq!(cell(8)?, format!("{:.1}\u{a0}%", 100.0 * backend.share));
        let bar = page
            .value(&format!("document.querySelector(\"#distribution [data-bar='{}']\").dataset.value", backend.name))?;
        assert_eq!(bar, backend.new_flows.to_string());
    }
    let (status, services, counters) = (json("status")?, json("services")?, json("counters")?);
    assert_eq!(number(page.text("[data-now='Active flows']")?)?, status["flow_table"]["live"].as_u64().unwrap_or(0));
    assert_eq!(page.text("[data-now='Back-ends ready']")?, "3 of 3");
    page.click("#services summary")?;
    page.wait_for("document.querySelector('#services details table')")?;
    let service = |column: u8| page.text(&format!("#services details td:nth-child({column})"));
    assert_eq!(number(service(4)?)?, services[0]["new_flows"].as_u64().context("no new_flows")?);
    assert_eq!(number(service(9)?)?, services[0]["dropped"].as_u64().context("no dropped")?);
    // What the page draws is what the command line says.
    let seen = page.value("new Promise((resolve) => { const live = new EventSource('/v1/live'); live.onmessage = (event) => { live.close(); resolve(JSON.parse(event.data).verdicts); }; })")?;
    let packets = |verdicts: &Value, reason: &str| {
        let verdict = verdicts.as_array().into_iter().flatten().find(|it| it["reason"] == reason);
        verdict.and_then(|it| it["packets"].as_u64())
    };
    ensure!(packets(&counters, "bad-flags").is_some_and(|packets| packets > 0), "{counters}");
    for reason in ["bad-flags", "new-flow"] {
        assert_eq!(packets(&seen, reason), packets(&counters, reason), "{reason}");
    }
    Ok(())
}

#[test]
fn a_back_end_is_drained_by_clicks_and_a_refusal_is_shown() -> Result<()> {
    let scene = Scene::set("dash-drain", 3)?;
    let dashboard = Dashboard::open(&scene)?;
    dashboard.wait_for_data()?;
    dashboard.click(ROW)?;
    dashboard.wait_for("document.querySelector('#detail').open")?;
    dashboard.click("#drain")?;
    dashboard.click("#confirm-yes")?;
    dashboard.wait_for(&format!("document.querySelector({ROW:?}).innerText.includes('draining')"))?;
    let new_flows = || -> Result<Vec<u64>> {
        let backends: Vec<BackendStatus> = serde_json::from_str(&scene.ask("backends --json")?.stdout)?;
        Ok(backends.iter().map(|backend| backend.new_flows).collect())
    };
    let before = new_flows()?;
    sleep(Duration::from_secs(3));
    let after = new_flows()?;
    assert_eq!(after[0], before[0], "a drained back-end got new flows");
    ensure!(after[1] > before[1] && after[2] > before[2], "{before:?}, {after:?}");
    dashboard.wait_for("document.querySelector('#health').innerText.includes('draining')")?;
    dashboard.value("(() => { const mode = document.querySelector('#distribution [aria-label=\"New flows counted\"]'); mode.value = 'lately'; mode.dispatchEvent(new Event('change')); })()")?;
    dashboard.wait_for("document.querySelector('#distribution [data-bar=\"server-1\"]').dataset.value === '0'")?;
    dashboard.wait_for("Number(document.querySelector('#distribution [data-bar=\"server-2\"]').dataset.value) > 20")?;

    dashboard.click("#drain")?;
    dashboard.click("#confirm-yes")?;
    eventually("it gets new flows again", || Ok(new_flows()?[0] > after[0]))?;
    assert_eq!(dashboard.complaints(), [""; 0]);
    // Round robin knows no weights, which the agent says and the page shows.
    dashboard.value("document.querySelector('#weight').value = ''")?;
    dashboard.fill("#weight", "5")?;
    dashboard.press("Enter")?;
    dashboard.click("#confirm-yes")?;
    dashboard.wait_for(
        "document.querySelector('#detail [role=alert]').innerText.includes('has no meaning with round-robin')",
    )?;
    dashboard.quiet().map(drop)
}

#[test]
fn packets_are_captured_and_explained_by_clicks() -> Result<()> {
    let scene = Scene::set("dash-capture", 3)?;
    let dashboard = Dashboard::open(&scene)?;
    dashboard.wait_for_data()?;
    dashboard.click(ROW)?;
    dashboard.fill("#explain-client", "198.18.0.1:40000")?;
    dashboard.press("Enter")?;
    dashboard.wait_for("document.querySelector('#detail').innerText.includes('forwarded to server-')")?;
    dashboard.value("document.querySelector('#capture-count').value = 100")?;
    dashboard.click("#capture")?;
    let file = scene.site().run_folder().join("captured.pcapng");
    fs::write(&file, dashboard.download()?)?;
    let read =
        outcome(Command::new("tshark").args(["-n", "-T", "fields", "-e", "ip.src", "-e", "ip.dst", "-r"]).arg(&file))?;
    ensure!(read.code == Some(0), "{read:?}");
    let ways: Vec<&str> = read.stdout.lines().collect();
    ensure!(ways.len() >= 50 && ways.iter().all(|way| *way == "198.18.0.1\t198.18.255.1"), "{read:?}");
    assert_eq!(dashboard.complaints(), [""; 0]);
    dashboard.quiet().map(drop)
}

#[test]
fn an_agent_that_is_gone_is_said_to_be_and_comes_back() -> Result<()> {
    let scene = Scene::set("dash-gone", 3)?;
    let dashboard = Dashboard::open(&scene)?;
    dashboard.wait_for_data()?;
    let (page, agent) = dashboard.quiet()?;
    agent.kill()?;
    page.wait_for("document.querySelector('#connection').dataset.state === 'gone'")?;
    ensure!(page.text("#connection")?.contains("does not answer"), "{}", page.text("#connection")?);
    let _agent = scene.start_agent()?;
    page.wait_for("document.querySelector('#connection').dataset.state === 'live'")
}

#[test]
fn whoever_has_no_token_sees_numbers_and_no_more() -> Result<()> {
    let scene = Scene::set("dash-login", 3)?;
    let agent = scene.start_agent()?;
    let url = scene.stage().dashboard().url()?;
    let (site, token) = url.split_once("/#token=").context("no token in the URL")?;
    let address = site.strip_prefix("http://").context("another scheme")?;
    let ask = |request: &str, headers: &str, body: &str| exchange(address, request, headers, body);
    let host = format!("Host: {address}\r\n");
    let own = format!("{host}Origin: {site}\r\nContent-Type: application/json\r\n");

    // The agent reads its history from the disk first.
    let history = "/v1/history?since_s=60&measure=bytes";
    eventually("the history is there", || Ok(ask(&format!("GET {history}"), &host, "")?.starts_with("HTTP/1.1 200")))?;
    for path in [history, "/"] {
        let answer = ask(&format!("GET {path}"), &host, "")?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        ensure!(answer.contains("content-security-policy: default-src 'self'"), "{path}: {answer}");
    }
    let explain = "/v1/explain?client=198.18.0.1:40000&vip=198.18.255.1:443";
    for path in ["/v1/capture?count=1", explain] {
        let answer = ask(&format!("GET {path}"), &host, "")?;
        ensure!(answer.starts_with("HTTP/1.1 401") && answer.contains("handoff dashboard"), "{path}: {answer}");
    }
    let drain = r#"{"backend":"server-1","verb":"drain"}"#;
    let status = |answer: String| http_status(&answer).to_owned();
    assert_eq!(status(ask("POST /v1/override", &own, drain)?), "401");
    assert_eq!(status(ask("GET /", "Host: evil.example\r\n", "")?), "421");
    assert_eq!(status(ask("GET /v1/status", &host, "")?), "404");
    assert_eq!(status(ask("POST /v1/stop", &own, r#"{"purge":true}"#)?), "404");
    for wrong in ["", &"0".repeat(64), &token[1..]] {
        assert_eq!(status(ask("POST /session", &own, &format!(r#"{{"token":"{wrong}"}}"#))?), "401", "{wrong:?}");
    }

    let login = format!(r#"{{"token":"{token}"}}"#);
    let foreign = format!("{host}Origin: http://evil.example\r\nContent-Type: application/json\r\n");
    assert_eq!(status(ask("POST /session", &foreign, &login)?), "403");
    let answer = ask("POST /session", &own, &login)?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).context("no cookie")?;
    ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let session = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap_or_default());
    assert_eq!(status(ask(&format!("GET {explain}"), &format!("{host}{session}"), "")?), "200");
    // Another site's page would send the cookie too, if the browser let it.
    assert_eq!(status(ask("POST /v1/override", &format!("{foreign}{session}"), drain)?), "403");
    assert_eq!(status(ask("POST /v1/override", &format!("{own}{session}"), drain)?), "200");
    assert_eq!(
        status(ask(
            &format!("GET {explain}"),
            &format!("{host}Cookie: {}x\r\n", cookie.split(';').next().unwrap_or_default()),
            ""
        )?),
        "401"
    );
    let wrong = (0..11).map(|_| ask("POST /session", &own, r#"{"token":"wrong"}"#)).collect::<Result<Vec<_>>>()?;
    assert_eq!(wrong.last().cloned().map(status).as_deref(), Some("429"));
    // Whoever guesses locks nobody out.
    assert_eq!(status(ask("POST /session", &own, &login)?), "200");

    let log = fs::read_to_string(scene.site().agent_log())?;
    ensure!(!log.contains(token), "the token is in the log");
    let printed = outcome(&mut lb_tests::scene::handoff(&[
        "dashboard",
        "--config",
        &scene.site().config_file().to_string_lossy(),
    ]))?;
    assert_eq!(printed.stdout.trim(), url.as_str());
    ensure!(agent.terminate()?.success(), "the agent did not end in good order");
    Ok(())
}

#[test]
fn the_page_asks_for_the_token_and_refuses_a_wrong_one() -> Result<()> {
    let scene = Scene::set("dash-wrong", 3)?;
    let _agent = scene.start_agent()?;
    let url = scene.stage().dashboard().url()?;
    let (site, token) = url.split_once("#token=").context("no token in the URL")?;
    let page = Page::open(site)?;
    page.wait_for(&format!("document.querySelector({ROW:?})"))?;
    page.click(ROW)?;
    page.wait_for("document.querySelector('#detail').open")?;
    page.click("#drain")?;
    page.click("#confirm-yes")?;
    page.wait_for("document.querySelector('#login-dialog').open")?;
    page.fill("#token", "wrong")?;
    page.press("Enter")?;
    page.wait_for("document.querySelector('#login-error').innerText.includes('not the token')")?;
    ensure!(!scene.ask("backends --json")?.stdout.contains("draining"), "drained without the token");
    page.value("document.querySelector('#token').value = ''")?;
    page.fill("#token", token)?;
    page.press("Enter")?;
    page.wait_for("!document.querySelector('#login-dialog').open")?;
    page.wait_for("document.querySelector('#login').innerText === 'Log out'")
}

/// The answer to a request of somebody who need not be a browser.
fn exchange(address: &str, request: &str, headers: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(http(&mut stream, request, headers, body))
}

/// Where the pictures of a run are kept: `target/screenshots`.
fn pictures() -> PathBuf {
    let test = env::current_exe().unwrap_or_default();
    test.ancestors().nth(3).unwrap_or(Path::new("target")).join("screenshots")
}
