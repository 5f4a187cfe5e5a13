use super::*;
use crate::state::{Load, Memory, plan};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const FILES: usize = 1_000;

/// Pieces of configurations, right and wrong, that files are damaged with.
const PIECES: [&str; 12] =
    ["", "\"", "]", "\n", "443", "0", "-1", "backends", "maglev", "10.0.0.2", "\u{0}", "[[service]]\n"];

/// Whatever is in the file, it is followed whole, or nothing changes.
#[test]
fn damaged_files_are_followed_whole_or_not_at_all() {
    let services =
        service("web", 443, "scheduler = \"maglev\"", &[1, 2, 3]) + &service("dns", 53, "min-ready = 1", &[1]);
    let good = text(&services);
    let mut agent = Agent::start(config(&services));
    let mut random = StdRng::seed_from_u64(4);
    let (mut followed, mut refused) = (0, 0);
    for number in 0..FILES {
        let mut text = good.clone();
        if number % 2 == 0 {
            // Another number is often as good.
            let digits: Vec<usize> = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
            let digit = digits[random.random_range(0..digits.len())];
            text.replace_range(digit..=digit, &random.random_range(0..10).to_string());
        } else {
            let start = random.random_range(0..text.len());
            let end = (start + random.random_range(0..12)).min(text.len());
            text.replace_range(start..end, PIECES[random.random_range(0..PIECES.len())]);
        }
        let before = (agent.observed(), agent.core.config().clone(), agent.core.store.generations.current());
        let path = agent.folder.path().join("new.toml");
        let now = agent.at(number as u64);
        let proposal = Proposal::parse(&path, text);
        let is_allowed = |proposal: &Proposal| {
            agent.core.preview(proposal, &network(), now).is_ok_and(|report| report.refusals.is_empty())
        };
        match proposal.ok().filter(is_allowed) {
            Some(proposal) => {
                agent.core.adopt(&proposal, &network(), now).expect("what was allowed");
                let standings = agent.core.known.standings.clone();
                let desired = agent.core.desired_with(&proposal.config, &network(), &standings);
                let left = plan(&desired, &agent.observed(), &Load::default(), &mut Memory::default(), now.ticks);
                assert_eq!((left.changes, left.missing), (Vec::new(), None), "file {number} was half followed");
                followed += 1;
            }
            None => {
                let after = (agent.observed(), agent.core.config().clone(), agent.core.store.generations.current());
                assert_eq!(before, after, "file {number} was refused");
                refused += 1;
            }
        }
        // Released rings rest for two ticks.
        agent.core.dataplane.wait(2);
    }
    assert!(followed > 100 && refused > 300, "{followed} followed, {refused} refused");
}
