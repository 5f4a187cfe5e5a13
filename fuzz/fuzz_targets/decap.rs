//! What a back-end takes out of a tunnel is a whole packet, as it was inside, and nothing beyond the frame is read or written.
#![no_main]

use lb_common::decap::Verdict;
use lb_tests::packet::Carried;
use lb_tests::tunnel::Backend;
use libfuzzer_sys::fuzz_target;

const MARGIN: [u8; 64] = [0xa5; 64];

fuzz_target!(|received: &[u8]| {
    let mut memory = [&MARGIN, received, &MARGIN].concat();
    let (verdict, removed) = Backend::default().receive(&mut memory[MARGIN.len()..][..received.len()]);
    let (frame, behind) = memory[MARGIN.len()..].split_at(received.len());
    assert!(memory.starts_with(&MARGIN) && behind == MARGIN, "{verdict:?}");
    if let Verdict::Decapsulated(_) = verdict {
        let Carried { packet, padding, .. } = Carried::of(&frame[removed..]).expect("a whole packet");
        // What notifies of congestion, and the checksum over it, are in front of this.
        let rest = packet.len() + padding.len() - 12;
        assert_eq!(frame[frame.len() - rest..], received[received.len() - rest..], "{verdict:?}");
    } else {
        assert_eq!((frame, removed), (received, 0), "{verdict:?}");
    }
});
