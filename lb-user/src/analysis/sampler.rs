//! Which packets are sampled: all as long as they are few, otherwise one in so many that it is about as many as wanted.

use lb_common::abi::{SampleRecord, Sampling};

/// Adapts what is sampled to what comes. Half of the samples are of packets, half of flows with all their packets.
#[derive(Clone, Debug)]
pub struct Sampler {
    /// Samples a second; 0: none.
    wanted: u32,
    packet_mask: u64,
    flow_mask: u64,
}

/// What came in a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Samples of packets.
    pub packets: u64,
    /// Samples of flows.
    pub flows: u64,
    /// Samples, each of one or both.
    pub samples: u64,
    /// Samples that were not taken, for there were too many.
    pub missed: u64,
}

impl Taken {
    /// Counts one.
    pub fn count(&mut self, record: &SampleRecord) {
        self.samples += 1;
        self.packets += u64::from(record.of & SampleRecord::OF_PACKETS != 0);
        self.flows += u64::from(record.of & SampleRecord::OF_FLOWS != 0);
    }
}

impl Sampler {
    /// The longest mask: one of a trillion is none.
    const LONGEST: u64 = (1 << 40) - 1;

    /// Takes everything at first, to no more than `wanted` samples a second.
    pub fn new(wanted: u32) -> Self {
        Self { wanted, packet_mask: 0, flow_mask: 0 }
    }

    /// How many samples a second are wanted.
    pub fn wanted(&self) -> u32 {
        self.wanted
    }

    /// What the program is to take.
    pub fn sampling(&self) -> Sampling {
        // Twice as many as wanted, for when the traffic grows at once.
        Sampling {
            packet_mask: self.packet_mask,
            flow_mask: self.flow_mask,
            rate: self.wanted.saturating_mul(2),
            padding: 0,
        }
    }

    /// Adapts to what came in the last `seconds`. Follows a growing load at once, and a falling one by halves: it may come back.
    pub fn adapt(&mut self, taken: &Taken, seconds: f64) {
        if self.wanted == 0 || seconds <= 0.0 {
            return;
        }
        // What was not taken was of both kinds as well.
        let lost = if taken.samples == 0 { 1.0 } else { 1.0 + taken.missed as f64 / taken.samples as f64 };
        let wanted = f64::from(self.wanted) / 2.0;
        for (mask, came) in [(&mut self.packet_mask, taken.packets), (&mut self.flow_mask, taken.flows)] {
            let mut rate = came as f64 * lost / seconds;
            // Twice the rate should still be clearly below what is wanted, or the mask would go to and fro.
            if rate * 2.0 < wanted * 0.75 {
                *mask >>= 1;
            }
            while rate > wanted && *mask < Self::LONGEST {
                *mask = *mask << 1 | 1;
                rate /= 2.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes in a second of so many packets, a part of which belongs to flows.
    fn second(sampler: &Sampler, packets: u64) -> Taken {
        let Sampling { packet_mask, flow_mask, rate, .. } = sampler.sampling();
        let due =
            Taken { packets: packets / (packet_mask + 1), flows: packets / (flow_mask + 1), samples: 0, missed: 0 };
        // Of what is due, the limit lets so much pass.
        let samples = due.packets + due.flows;
        let passed = samples.min(rate.into());
        let part = |of: u64| of * passed / samples.max(1);
        Taken { packets: part(due.packets), flows: part(due.flows), samples: passed, missed: samples - passed }
    }

    proptest! {
        #[test]
        fn any_load_settles_near_what_is_wanted(loads in prop::collection::vec(0u64..20_000_000, 1..4), wanted in 10u32..10_000) {
            let mut sampler = Sampler::new(wanted);
            for &load in &loads {
                for _ in 0..40 {
                    sampler.adapt(&second(&sampler, load), 1.0);
                }
                let settled = sampler.sampling();
                sampler.adapt(&second(&sampler, load), 1.0);
                prop_assert_eq!(sampler.sampling(), settled);
                let taken = second(&sampler, load);
                prop_assert!(taken.missed == 0 && taken.samples <= u64::from(wanted));
                if load < u64::from(wanted) / 4 {
                    prop_assert_eq!((settled.packet_mask, settled.flow_mask), (0, 0));
                } else {
                    prop_assert!(taken.samples * 3 + 12 >= u64::from(wanted).min(load), "{:?} of {}", taken, load);
                }
            }
        }
    }

    #[test]
    fn a_sudden_load_is_followed_in_two_steps() {
        let mut sampler = Sampler::new(1_000);
        for _ in 0..2 {
            sampler.adapt(&second(&sampler, 5_000_000), 1.0);
        }
        assert!(second(&sampler, 5_000_000).samples <= 1_100);
    }

    #[test]
    fn zero_is_off() {
        let mut sampler = Sampler::new(0);
        sampler.adapt(&Taken::default(), 1.0);
        assert_eq!(sampler.sampling(), Sampling::OFF);
    }
}
