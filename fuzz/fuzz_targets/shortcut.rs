//! The shortcut decides nothing of its own. Frames with a VLAN tag do not take it; besides, a tag means nothing.
#![no_main]

use lb_fuzz::scene::Scene;
use lb_fuzz::traffic;
use libfuzzer_sys::fuzz_target;
use std::sync::{LazyLock, Mutex};

/// One for the frames as they are, and one for the same frames with a tag.
static SCENES: LazyLock<Mutex<[Scene; 2]>> =
    LazyLock::new(|| Mutex::new([Scene::of_everything(), Scene::of_everything()]));

// Made beforehand, or the first input would seem to take all the ways that lead to it.
fuzz_target!(init: LazyLock::force(&SCENES), |input: &[u8]| {
    let mut scenes = SCENES.lock().expect("a broken input is the last one");
    scenes.iter_mut().for_each(Scene::begin);
    let [with_shortcut, without] = &*scenes;
    for (wait, plain) in traffic::packets(input) {
        let Some(tagged) = traffic::tagged(plain) else { continue };
        let (outcome, _) = with_shortcut.run(wait, plain);
        assert_eq!(without.run(wait, &tagged).0, outcome, "{plain:02x?}");
    }
});
