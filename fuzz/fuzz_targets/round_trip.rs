//! A packet that the balancer puts into a tunnel comes out of it as it went in.
#![no_main]

use lb_common::verdict::Verdict;
use lb_fuzz::back_end;
use lb_fuzz::scene::Scene;
use lb_tests::packet::Link;
use libfuzzer_sys::fuzz_target;
use std::sync::{LazyLock, Mutex};

static SCENE: LazyLock<Mutex<Scene>> = LazyLock::new(|| Mutex::new(Scene::of_tunnels()));

// Made beforehand, or the first input would seem to take all the ways that lead to it.
fuzz_target!(init: LazyLock::force(&SCENE), |sent: &[u8]| {
    let mut scene = SCENE.lock().expect("a broken input is the last one");
    scene.begin();
    let (outcome, mut frame) = scene.run(0, sent);
    if let Verdict::Forwarded(_) = outcome.verdict {
        assert_eq!(back_end::receive(&mut frame), Ok(()), "{outcome:?}");
        let [(_, sent_type, sent), (_, arrived_type, arrived)] =
            [sent, &frame].map(|frame| Link::split(frame).expect("a frame"));
        assert_eq!((arrived_type, arrived), (sent_type, sent), "{outcome:?}");
    }
});
