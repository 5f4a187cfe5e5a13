//! `handoff report` of a real agent: its numbers, and points in every graph.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Held, ON_ETH0, Scene, backends, eventually, service, services, wait};
use lb_user::control::types::{HistoryRequest, Measure, SeriesOf};
use lb_user::lab::topology::VIP;
use std::fs;

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
/// A port at which the client is not welcome.
const CLOSED: u16 = 9;

#[test]
fn the_page_has_the_agents_numbers_and_points_in_every_graph() -> Result<()> {
    let scene = Scene::set("report", 3)?;
    let closed = service("closed", CLOSED, "tcp", &SERVERS) + "deny = [\"198.18.0.0/15\"]\n";
    let settings = format!("[analysis]\nsamples = 10000\n{}{closed}", Held::service(&SERVERS));
    let agent = scene.start_agent_with(ON_ETH0, &settings)?;
    let samples = || wait(agent.control().samples())?.context("the agent answers");
    eventually("every flow is sampled", || Ok(samples()?.one_flow_in == 1))?;
    let mut held = Held::open(&scene, 6)?;
    let has_dropped = || {
        let request = HistoryRequest { since_s: 60, measure: Some(Measure::Dropped), service: None };
        let history = wait(agent.control().history(&request))??;
        let reasons = history.series.iter().filter(|series| matches!(series.of, SeriesOf::Reason { .. }));
        Ok(reasons.flat_map(|series| &series.values).flatten().any(|&dropped| dropped > 0.0))
    };
    eventually("the history has drops", || {
        ensure!(scene.connect((VIP, CLOSED)).is_err(), "the client is not welcome");
        has_dropped()
    })?;
    held.stay()?;
    drop(held);
    eventually("samples tell of flows that have ended", || Ok(!samples()?.flow_sizes.is_empty()))?;

    let file = scene.site().run_folder().join("traffic.html");
    let reported = scene.ask(&format!("report --since 5m --output {}", file.display()))?;
    ensure!(reported.code == Some(0), "{reported:?}");
    let page = fs::read_to_string(&file)?.replace(',', "");
    for service in services(&agent)? {
        let row = page.split("<tr>").find(|row| row.starts_with(&format!("<td>{}</td>", service.name)));
        let row = row.with_context(|| format!("{} is not in the page", service.name))?;
        for count in [service.new_flows, service.packets, service.dropped] {
            ensure!(row.contains(&format!(">{count}</td>")), "{count} of {} in {row}", service.name);
        }
    }
    for backend in backends(&agent)?.iter().filter(|backend| backend.service == "held") {
        let row = page.split("<tr>").find(|row| row.starts_with(&format!("<td>held</td><td>{}</td>", backend.name)));
        let row = row.with_context(|| format!("{} is not in the page", backend.name))?;
        for count in [backend.new_flows, backend.packets] {
            ensure!(row.contains(&format!(">{count}</td>")), "{count} of {} in {row}", backend.name);
        }
    }
    let graphs: Vec<&str> = page.split("<figure>").skip(1).collect();
    assert_eq!(graphs.len(), 12, "{page}");
    for graph in graphs {
        let has_points = ["<polyline", "<circle", "<rect"].iter().any(|shape| graph.contains(shape));
        ensure!(has_points && graph.contains("balancer does not see that (DSR)"), "no points in {graph}");
    }
    Ok(())
}
