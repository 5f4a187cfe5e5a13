//! What an agent may still do after its start.

use anyhow::{Result, ensure};
use lb_tests::exposure::capabilities;
use lb_tests::scene::{ON_ETH0, Scene, service};
use lb_user::lab::{Agent, SERVICE_NAME};

/// CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON, CAP_BPF (linux/capability.h).
const KEPT: u64 = 1 | 1 << 1 | 1 << 3 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 38 | 1 << 39;
const SYS_ADMIN: u64 = 1 << 21;

#[test]
fn an_agent_of_root_keeps_no_more_than_it_needs() -> Result<()> {
    let scene = Scene::set("rights", 2)?;
    let agent = scene.start_agent()?;
    expect(&agent, KEPT)?;
    scene.requests_succeed()?;
    // Taking over from one that was killed takes no more, and neither does what a reload does.
    agent.kill()?;
    let agent = scene.start_agent()?;
    agent.signal_reload()?;
    scene.requests_succeed()?;
    expect(&agent, KEPT)
}

#[test]
fn measuring_run_times_keeps_what_it_takes() -> Result<()> {
    let scene = Scene::set("rights-time", 1)?;
    let service = service(SERVICE_NAME, 443, "tcp", &[("server-1", "198.18.1.1")]);
    let agent = scene.start_agent_with(&format!("{ON_ETH0}\nmeasure-run-time = true"), &service)?;
    expect(&agent, KEPT | SYS_ADMIN)?;
    scene.requests_succeed()
}

/// Every thread of the agent has `kept`, can never have more, and nor can what it starts.
fn expect(agent: &Agent, kept: u64) -> Result<()> {
    let found = capabilities(agent)?;
    ensure!(found == kept, "{found:x} instead of {kept:x}");
    Ok(())
}
