//! Any text is a configuration, or has problems in lines of it. What is one can be set up, and is then as it should be.
#![no_main]

use lb_fuzz::network;
use lb_user::agent::{Standings, desired};
use lb_user::config::{Config, Error};
use lb_user::dataplane::Dataplane;
use lb_user::dataplane::memory::MemoryDataplane;
use lb_user::state::{Load, Memory, plan};
use libfuzzer_sys::{Corpus, fuzz_target};
use std::path::Path;

fuzz_target!(|text: &str| -> Corpus {
    // The machine's own files are no part of the input.
    if text.contains("-file") {
        return Corpus::Reject;
    }
    match Config::parse(Path::new("handoff.toml"), text) {
        Ok(config) => set_up(&config),
        Err(Error::Invalid(problems)) => {
            let lines = 1..=1 + text.matches('\n').count();
            assert!(!problems.is_empty() && problems.iter().all(|problem| lines.contains(&problem.place.line)));
        }
        Err(error) => panic!("no file is read: {error}"),
    }
    Corpus::Keep
});

fn set_up(config: &Config) {
    let network = network::around(config);
    let (load, mut memory) = (Load::default(), Memory::default());
    let mut dataplane = MemoryDataplane::new(1);
    for changes_are_left in [true, false] {
        let Ok(observed) = dataplane.observe();
        let wanted = desired(config, &network, &Standings::default(), [1, 2], &observed);
        let changes = plan(&wanted, &observed, &load, &mut memory, 0).complete().expect("room for a few services");
        assert!(changes_are_left || changes.is_empty(), "{changes:?}");
        for change in changes {
            let Ok(()) = dataplane.apply(&change);
        }
    }
}
