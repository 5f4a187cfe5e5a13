//! `handoff lab`, as its user sees it.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Outcome, as_nobody, eventually, handoff, outcome};
use lb_user::lab::{Node, Site};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

#[test]
fn the_lab_spreads_connections_evenly() -> Result<()> {
    let site = Site::named("test-lab")?;
    let file = Scratch(env::temp_dir().join(format!("handoff-test-lab-{}.json", std::process::id())));
    let outcome = outcome(lab(&site).args(["--duration", "4", "--json"]).arg(&file.0))?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    for name in ["server-1", "server-2", "server-3", "0 failed", "0 return packets"] {
        ensure!(outcome.stdout.contains(name), "no {name} in {outcome:?}");
    }
    check_report(&serde_json::from_slice(&fs::read(&file.0)?)?)?;
    nothing_is_left(&site)
}

fn check_report(report: &Value) -> Result<()> {
    let number = |path: &str| report.pointer(path).and_then(Value::as_f64).with_context(|| format!("no {path}"));
    assert_eq!(report["service"], "web");
    ensure!((3.5..10.0).contains(&number("/duration_s")?), "{report}");
    ensure!(number("/requests/ok")? > 300.0 && number("/requests/failed")? == 0.0, "{report}");
    ensure!(number("/fairness/max_over_mean")? < 1.01 && number("/fairness/jain")? > 0.999, "{report}");
    ensure!(number("/return_path/return_packets")? == 0.0, "the balancer saw the servers' half: {report}");
    ensure!(number("/return_path/foreign_peers")? == 0.0, "the client saw another address than the VIP: {report}");

    let backends = report["backends"].as_array().context("no back-ends")?;
    let names: Vec<_> = backends.iter().map(|backend| (&backend["name"], &backend["address"])).collect();
    assert_eq!(
        serde_json::to_value(names)?,
        serde_json::json!([["server-1", "198.18.1.1"], ["server-2", "198.18.1.2"], ["server-3", "198.18.1.3"]])
    );
    let each = |key: &str| -> Result<Vec<f64>> {
        backends.iter().map(|backend| backend[key].as_f64().with_context(|| format!("no {key}"))).collect()
    };
    let new_flows = each("new_flows")?;
    let (least, most) = new_flows.iter().fold((f64::MAX, 0.0), |(least, most), &n| (n.min(least), n.max(most)));
    ensure!(most - least <= 1.0 && least > 100.0, "not even: {report}");
    ensure!((each("share")?.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{report}");
    ensure!(new_flows == each("connections")?, "the balancer and the servers count differently: {report}");
    // SYN, ACK, data, FIN: no connection is done with less from its client.
    for (flows, (packets, bytes)) in new_flows.iter().zip(each("packets")?.into_iter().zip(each("bytes")?)) {
        ensure!(packets >= 4.0 * flows && bytes >= 54.0 * packets, "{report}");
    }
    Ok(())
}

#[test]
fn ctrl_c_ends_the_lab_with_a_report() -> Result<()> {
    let site = Site::named("test-ctrl-c")?;
    let lab = Running::start(&site)?;
    kill(lab.pid(), Signal::SIGINT)?;
    let outcome = lab.outcome()?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    ensure!(outcome.stdout.contains("Distribution of web 198.18.255.1:443 toward servers 1 to 3"), "{outcome:?}");
    ensure!(outcome.stdout.contains(" 0 failed"), "{outcome:?}");
    nothing_is_left(&site)
}

#[test]
fn a_killed_lab_leaves_nothing() -> Result<()> {
    let site = Site::named("test-killed")?;
    let lab = Running::start(&site)?;
    kill(lab.pid(), Signal::SIGKILL)?;
    ensure!(lab.outcome()?.code.is_none(), "it was not killed");
    eventually("the janitor has taken the lab down", || Ok(!site.lock_file().exists()))?;
    nothing_is_left(&site)
}

#[test]
fn there_is_one_lab_of_a_name() -> Result<()> {
    let site = Site::named("test-twice")?;
    let first = Running::start(&site)?;
    let stderr = format!(
        "handoff: a lab named {} is running (process {}): stop it, or give this one another name with --name\n",
        site.name(),
        first.pid()
    );
    let second = outcome(lab(&site).args(["--duration", "1"]))?;
    assert_eq!(second, Outcome { code: Some(1), stdout: String::new(), stderr });
    kill(first.pid(), Signal::SIGINT)?;
    let first = first.outcome()?;
    ensure!(first.code == Some(0), "the second lab disturbed the first: {first:?}");
    nothing_is_left(&site)
}

#[test]
fn leftovers_of_an_earlier_lab_are_removed() -> Result<()> {
    let site = Site::named("test-leftovers")?;
    let namespace = site.namespace(Node::Balancer);
    ensure!(Command::new("ip").args(["netns", "add", namespace.name()]).status()?.success(), "no namespace");
    fs::create_dir(site.run_folder())?;
    fs::write(site.agent_log(), "a log of old")?;
    let outcome = outcome(lab(&site).args(["--duration", "1"]))?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    ensure!(outcome.stdout.starts_with("Removed what an earlier lab had left behind.\n"), "{outcome:?}");
    nothing_is_left(&site)
}

#[test]
fn the_lab_needs_root() -> Result<()> {
    let site = Site::named("test-not-root")?;
    let outcome = outcome(&mut as_nobody(&lab(&site)))?;
    let stderr = "handoff: the lab needs root: it makes network namespaces; run `sudo handoff lab`\n".to_owned();
    assert_eq!(outcome, Outcome { code: Some(77), stdout: String::new(), stderr });
    nothing_is_left(&site)
}

/// The command `handoff lab` for `site`.
fn lab(site: &Site) -> Command {
    handoff(&["lab", "--name", site.name()])
}

/// A lab that runs until it is told to end. Dropping it kills it, and leaves the rest to its janitor.
struct Running {
    process: Option<Child>,
}

impl Running {
    /// Starts a lab, and waits until it has begun its work.
    fn start(site: &Site) -> Result<Self> {
        let process = lab(site).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let lab = Self { process: Some(process) };
        eventually("the agent of the lab answers", || Ok(site.control_socket().exists()))?;
        // Some requests should have been made.
        sleep(Duration::from_secs(1));
        Ok(lab)
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.as_ref().map_or(0, Child::id) as i32)
    }

    fn outcome(mut self) -> Result<Outcome> {
        let process = self.process.take().context("it has ended already")?;
        Ok(process.wait_with_output()?.into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A file that is removed in the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that failed may not have made it.
        let _ = fs::remove_file(&self.0);
    }
}

/// Checks that nothing of a lab is left on this machine.
fn nothing_is_left(site: &Site) -> Result<()> {
    ensure!(site.existing_namespaces().is_empty(), "namespaces are left: {:?}", site.existing_namespaces());
    for path in [site.run_folder(), site.lock_file(), site.pins()] {
        ensure!(!path.exists(), "{} is left", path.display());
    }
    // The janitor has a moment of life after its work.
    eventually("the processes of the lab have ended", || Ok(processes_about(site.name())?.is_empty()))
}

/// The command lines of all processes that contain `text`.
fn processes_about(text: &str) -> Result<Vec<String>> {
    let command_line = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("cmdline")).ok();
    let processes = fs::read_dir("/proc")?.flatten().filter_map(command_line);
    Ok(processes.filter(|line| line.contains(text)).collect())
}
