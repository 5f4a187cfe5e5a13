//! Whatever comes in, and however it goes on: what comes out is right to the byte.
#![no_main]

use lb_fuzz::scene::Scene;
use lb_fuzz::traffic;
use libfuzzer_sys::fuzz_target;
use std::sync::{LazyLock, Mutex};

static SCENE: LazyLock<Mutex<Scene>> = LazyLock::new(|| Mutex::new(Scene::of_everything()));

// Made beforehand, or the first input would seem to take all the ways that lead to it.
fuzz_target!(init: LazyLock::force(&SCENE), |input: &[u8]| {
    let mut scene = SCENE.lock().expect("a broken input is the last one");
    scene.begin();
    for (wait, received) in traffic::packets(input) {
        let (outcome, sent) = scene.run(wait, received);
        if let Err(error) = scene.judge(received, outcome, &sent) {
            panic!("{outcome:?} of {received:02x?}: {error:#}");
        }
    }
});
