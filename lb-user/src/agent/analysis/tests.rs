use super::super::core::Core;
use super::super::testing::{agent, ask, question, send};
use crate::config::Protocol;
use crate::control::types::{HistoryRequest, Measure, ProtocolCounter, Series, TcpCounter};
use crate::control::{Question, Refused, RefusedKind};
use crate::dataplane::Recorder;
use crate::dataplane::memory::MemoryDataplane;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_snapshot_agrees_with_itself() {
    let mut core = agent();
    for client in 0..6 {
        send(&mut core, &question(&format!("203.0.113.{client}:1000"), "192.0.2.10:443", Protocol::Tcp, Some("syn")));
    }
    send(&mut core, &question("203.0.113.66:1000", "192.0.2.10:443", Protocol::Tcp, Some("rst")));
    send(&mut core, &question("203.0.113.1:1000", "192.0.2.10:53", Protocol::Udp, None));
    let snapshot = ask(&mut core, Question::Snapshot).expect("counters");
    let traffic = &snapshot.traffic;
    let protocol = |transport: &str, packets, bytes| ProtocolCounter {
        link: "ethernet".to_owned(),
        network: "ipv4".to_owned(),
        transport: transport.to_owned(),
        packets,
        bytes,
    };
    assert_eq!(traffic.protocols, [protocol("tcp", 7, 7 * 54), protocol("udp", 1, 42)]);
    assert_eq!(traffic.tcp, TcpCounter { syn: 6, fin: 0, rst: 1, other: 0 });
    let counted: u64 = snapshot.verdicts.iter().map(|verdict| verdict.packets).sum();
    assert_eq!((traffic.sizes.iter().sum::<u64>(), counted), (8, 8));
    let applications: Vec<_> = traffic
        .applications
        .iter()
        .map(|it| (it.application.as_str(), it.packets, it.new_flows, it.live_flows))
        .collect();
    assert_eq!(applications, [("DNS", 1, 0, 0), ("HTTPS", 6, 6, 6)]);
    let web = traffic.fairness.iter().find(|fairness| fairness.service == "web").expect("a service");
    assert_eq!((web.backends, web.max_over_mean, web.jain), (2, Some(1.0), Some(1.0)));
    assert_eq!(
        snapshot.backends.iter().map(|backend| backend.live_flows).sum::<u64>(),
        snapshot.status.flow_table.live
    );
    assert_eq!(ask(&mut core, Question::Traffic).as_ref(), Ok(traffic));
}

#[test]
fn all_listeners_see_the_same_snapshot() {
    let mut core = agent();
    core.known.config.analysis.history = false;
    let later = Instant::now() + Duration::from_secs(60);
    core.follow_traffic(later);
    let listeners = [ask(&mut core, Question::Live), ask(&mut core, Question::Live)];
    assert!(listeners.iter().all(|listener| listener.borrow().is_none()), "it was read for nobody");
    core.follow_traffic(later);
    let [first, second] = listeners.map(|mut listener| {
        assert!(listener.has_changed().expect("an agent"));
        listener.borrow_and_update().clone().expect("a snapshot")
    });
    assert!(Arc::ptr_eq(&first, &second));
    let late = ask(&mut core, Question::Live);
    assert!(!late.has_changed().expect("an agent"), "an old snapshot is shown as a new one");
    let due = later + Duration::from_millis(1);
    core.analysis.next = due;
    core.follow_traffic(later);
    assert!(!late.has_changed().expect("an agent"), "readings take all of the time");
    core.follow_traffic(due);
    assert!(late.has_changed().expect("an agent"));
}

#[test]
fn samples_show_talkers_and_flows_by_application() {
    let mut core = agent();
    core.follow_samples();
    for (client, segments) in [("203.0.113.1:1000", 9), ("203.0.113.2:1000", 2)] {
        let mut send = |flags| send(&mut core, &question(client, "192.0.2.10:443", Protocol::Tcp, Some(flags)));
        send("syn");
        (0..segments).for_each(|_| send("ack"));
        send("rst");
    }
    send(&mut core, &question("203.0.113.3:1000", "192.0.2.10:53", Protocol::Udp, None));
    core.follow_samples();
    let samples = ask(&mut core, Question::Samples);
    assert_eq!((samples.one_packet_in, samples.one_flow_in, samples.taken, samples.missed), (1, 1, 16, 0));
    let talkers: Vec<_> =
        samples.talkers.iter().map(|it| (it.client.to_string(), it.packets, it.bytes, it.error)).collect();
    let talker = |client: &str, packets, bytes| (client.to_owned(), packets, bytes, 0);
    assert_eq!(talkers, [talker("203.0.113.1", 11, 594), talker("203.0.113.2", 4, 216), talker("203.0.113.3", 1, 42)]);
    let [web] = &samples.flow_sizes[..] else { panic!("{samples:?}") };
    assert_eq!((web.application.as_str(), web.flows, web.mean_packets, web.mean_bytes), ("HTTPS", 2, 7.5, 405.0));
    assert_eq!(web.sizes.iter().map(|size| (size.up_to_bytes, size.flows)).collect::<Vec<_>>(), [(256, 1), (1_024, 1)]);
}

#[test]
fn without_samples_nothing_is_taken() {
    let mut core = agent();
    core.follow_samples();
    core.known.config.analysis.samples = 0;
    core.follow_samples();
    sends_unseen(&mut core);
    core.known.config.analysis.samples = 1_000;
    core.follow_samples();
    core.end_analysis();
    sends_unseen(&mut core);
}

fn sends_unseen(core: &mut Core<MemoryDataplane>) {
    send(core, &question("203.0.113.1:1", "192.0.2.10:443", Protocol::Tcp, Some("syn")));
    assert_eq!(core.dataplane().next_sample(), None);
    let samples = ask(core, Question::Samples);
    assert_eq!((samples.one_packet_in, samples.one_flow_in, samples.taken), (0, 0, 0));
}

#[test]
fn the_history_has_rates_and_refuses_what_is_unknown() {
    let mut core = agent();
    let request = |service: Option<&str>| HistoryRequest {
        since_s: 60,
        measure: Some(Measure::NewFlows),
        service: service.map(str::to_owned),
    };
    let history = |core: &mut _, service| ask(core, |answer| Question::History(request(service), answer));
    assert!(matches!(history(&mut core, None), Err(Refused { kind: RefusedKind::Invalid, .. })), "none is kept yet");
    let begin = Instant::now();
    let mut client = 0;
    loop {
        core.follow_traffic(Instant::now());
        client += 1;
        let from = format!("203.0.113.1:{client}");
        send(&mut core, &question(&from, "192.0.2.10:443", Protocol::Tcp, Some("syn")));
        let series = history(&mut core, Some("web")).map_or_else(|_| Vec::new(), |history| history.series);
        let is_rate = |series: &&Series| series.values.iter().flatten().any(|&rate| rate > 0.0);
        // The service, and both back-ends by turns.
        if series.iter().filter(is_rate).count() == 3 {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{series:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(history(&mut core, Some("shop")), Err(Refused { kind: RefusedKind::Invalid, .. })));
    core.known.config.analysis.history = false;
    core.follow_traffic(Instant::now());
    assert!(history(&mut core, None).is_err());
}
