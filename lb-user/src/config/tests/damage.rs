//! Whatever a file says, it is a configuration or has problems.

use super::{FULL, changed, parse};
use crate::config::Error;
use lb_common::abi::TimeoutClass;
use lb_common::flow_table::{FlowState, Lifetimes, Phase};
use proptest::prelude::*;

/// Whatever `text` is, it is a configuration or has problems, each on a line of it or of a file that it names, in order.
fn assert_sane(text: &str) {
    if let Err(Error::Invalid(problems)) = parse(text) {
        let own: Vec<usize> = problems
            .iter()
            .filter(|problem| problem.place.path.ends_with("handoff.toml"))
            .map(|problem| problem.place.line)
            .collect();
        let lines = 1 + text.matches('\n').count();
        assert!(own.iter().all(|line| (1..=lines).contains(line)), "{problems:?}");
        assert!(own.is_sorted(), "{problems:?}");
        assert!(!problems.is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text: String) {
        assert_sane(&text);
    }

    #[test]
    fn a_damaged_file_is_survived(
        damage in prop::collection::vec(
            (0..FULL.len(), 0..8usize, prop_oneof![any::<String>(), "[\\[\\]{}=\",#\n]{0,4}", "[a-z0-9./-]{0,4}"]),
            1..6,
        ),
    ) {
        let mut text = FULL.to_owned();
        for (start, len, replacement) in damage {
            let start = start.min(text.len());
            let end = (start + len).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, &replacement);
            }
        }
        assert_sane(&text);
    }

    #[test]
    fn any_duration_is_in_range_or_reported(text in "[0-9]{0,20}(ns|ms|s|m|h|days|months|years|)( [0-9]{1,3}(s|h|days))?") {
        if let Ok(config) = parse(&changed("2h", &text)) {
            let ticks = config.flow_table.timeouts.expired(FlowState::new(Phase::ESTABLISHED, TimeoutClass::DEFAULT));
            // 90 days are 7,776,000 s, and a tick is 1.07 s.
            prop_assert!((1..=7_241_984).contains(&ticks), "{ticks}");
        }
    }
}
