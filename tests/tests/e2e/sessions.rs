//! `handoff lab --experiment sessions`, and the page that `handoff report` makes of it.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{handoff, outcome};
use lb_user::lab::Site;
use lb_user::lab::sessions::{CaseReport, Scheme, SessionsReport};
use std::fs;
use std::path::Path;

#[test]
fn shared_keys_resume_everywhere() -> Result<()> {
    let site = Site::named("test-sessions")?;
    let folder = tempfile::tempdir()?;
    let (json, html) = (folder.path().join("sessions.json"), folder.path().join("report.html"));
    let args = ["lab", "--name", site.name(), "--experiment", "sessions", "--duration", "24", "--clients", "5"];
    let outcome = outcome(handoff(&args).args(["--rate", "600", "--json"]).arg(&json))?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    ensure!(outcome.stdout.contains("RSA-2048  TLS 1.3  shared keys"), "{outcome:?}");

    let report: SessionsReport = serde_json::from_slice(&fs::read(&json)?)?;
    assert_eq!((report.servers, report.cases.len()), (3, 24));
    for case in &report.cases {
        check_case(case).with_context(|| format!("{case:?}"))?;
    }
    check_affinity(&report)?;
    check_costs(&report)?;
    check_page(&json, &html)?;
    ensure!(site.existing_namespaces().is_empty(), "namespaces are left: {:?}", site.existing_namespaces());
    Ok(())
}

fn check_case(case: &CaseReport) -> Result<()> {
    ensure!(case.errors == 0, "connections failed");
    ensure!(case.full + case.resumed > 100 && case.returning > 80, "hardly any connection");
    ensure!(case.connections.iter().sum::<u64>() == case.full + case.resumed, "some connections were no handshakes");
    let reused = case.resumed_share.context("nobody came back")?;
    let is_even = case.fairness.max_over_mean < 1.05;
    match case.case.scheme {
        Scheme::NoReuse => ensure!(case.resumed == 0 && is_even, "something was resumed"),
        // In turn: one server of three is the one of last time.
        Scheme::OwnKeys => ensure!((0.1..0.7).contains(&reused) && is_even, "not by chance"),
        Scheme::OwnKeysAffinity1s | Scheme::OwnKeysAffinity5s => {
            ensure!(reused > 0.9, "clients were not sent where they were before");
        }
        Scheme::SharedKeys => ensure!(reused >= 0.99 && is_even, "sessions were lost"),
        Scheme::SharedKeysNaive => ensure!((0.3..0.95).contains(&reused) && is_even, "no session was lost"),
    }
    Ok(())
}

/// The busiest of five clients makes 44 % of the connections, and all of them go to one server for as long as it is remembered.
fn check_affinity(report: &SessionsReport) -> Result<()> {
    let remembered = report.cases.iter().filter(|case| case.case.scheme == Scheme::OwnKeysAffinity5s);
    let most = remembered.map(|case| case.fairness.max_over_mean).fold(0.0, f64::max);
    ensure!(most > 1.2, "affinity is for nothing: max/mean {most}");
    Ok(())
}

/// RSA's private key is by far the dearest part of a handshake, on any machine.
fn check_costs(report: &SessionsReport) -> Result<()> {
    let costs: Vec<_> = report.costs().collect();
    assert_eq!(costs.len(), 4);
    for cost in &costs[..2] {
        ensure!(cost.ratio() > 2.0, "resuming saves nothing: {cost:?}");
    }
    Ok(())
}

fn check_page(json: &Path, html: &Path) -> Result<()> {
    let outcome = outcome(handoff(&["report"]).arg(json).arg("--output").arg(html))?;
    ensure!(outcome.code == Some(0) && outcome.stdout.is_empty(), "{outcome:?}");
    let page = fs::read_to_string(html)?;
    assert_eq!(page.matches("<svg").count(), 3, "{page}");
    for case in ["no reuse", "own keys, affinity 5 s", "shared keys, naive"] {
        ensure!(page.contains(case), "no {case} in {page}");
    }
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for reference in ["http://", "src=", "href", "url(", "@import"] {
        ensure!(!page.contains(reference), "{reference} in {page}");
    }
    Ok(())
}

#[test]
fn an_experiment_needs_time_and_chooses_the_policy_itself() -> Result<()> {
    let experiment = ["lab", "--name", "test-sessions-args", "--experiment", "sessions"];
    let short = outcome(handoff(&experiment).args(["--duration", "30s", "--rounds", "2"]))?;
    assert_eq!(short.code, Some(64));
    assert_eq!(short.stderr, "handoff lab: --duration 30s: use 48s or more, a second for each case and round\n");
    assert_eq!(outcome(handoff(&experiment).args(["--affinity", "5s"]))?.code, Some(64));
    Ok(())
}

#[test]
fn other_files_make_no_page() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("other.json");
    fs::write(&file, "{}")?;
    let outcome = outcome(handoff(&["report"]).arg(&file).arg("-o").arg(folder.path().join("report.html")))?;
    ensure!(
        outcome.code == Some(1) && outcome.stderr.contains("other.json: not a report of an experiment"),
        "{outcome:?}"
    );
    ensure!(!folder.path().join("report.html").exists(), "there is a page all the same");
    Ok(())
}
