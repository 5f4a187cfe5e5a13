//! Any text is a ring, or none, and a ring is the same when it is sent on; any text is a report, or none.
#![no_main]

use lb_user::tickets::wire::{Report, RingMessage};
use lb_user::tickets::{BootTime, RingName, Version};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

/// Long after the start: rings have a past.
const NOW: BootTime = BootTime::after_start(Duration::from_secs(365 * 24 * 3_600));

fuzz_target!(|text: &str| {
    if let Ok(report) = serde_json::from_str::<Report>(text) {
        let again = serde_json::to_string(&report).expect("JSON");
        assert_eq!(serde_json::from_str::<Report>(&again).expect("a report"), report);
    }
    if let Ok(version) = text.parse::<Version>() {
        assert_eq!(version.to_string().parse(), Ok(version));
    }
    if let Ok(name) = RingName::try_from(text.to_owned()) {
        assert_eq!(name.as_str(), text);
    }
    let Ok(message) = serde_json::from_str::<RingMessage>(text) else { return };
    let Ok(ring) = message.ring(&message.ring, NOW) else { return };
    let sent_on = RingMessage::new(&message.ring, &ring, message.timing, NOW);
    let again = sent_on.ring(&message.ring, NOW).expect("a ring");
    assert_eq!(again.version, ring.version);
    for ((state, slot), (_, other)) in again.slots().into_iter().zip(ring.slots()) {
        assert!(slot.key == other.key, "the {state} key is another one");
    }
});
