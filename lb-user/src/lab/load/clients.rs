use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Zipf};

/// An endless sequence of clients, numbered from 1: some are busy, most are not. The second client comes half as often as the first,
/// the third a third as often, and so on (Zipf's law). The same seed gives the same sequence.
#[derive(Debug)]
pub struct ClientSequence {
    popularity: Zipf<f64>,
    random: StdRng,
}

impl ClientSequence {
    /// A sequence of `clients` clients; `None` without any.
    pub fn new(clients: u16, seed: u64) -> Option<Self> {
        let popularity = Zipf::new(clients.into(), 1.0).ok()?;
        Some(Self { popularity, random: StdRng::seed_from_u64(seed) })
    }
}

impl Iterator for ClientSequence {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        Some(self.popularity.sample(&mut self.random) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(clients: u16, seed: u64) -> Vec<u16> {
        ClientSequence::new(clients, seed).unwrap().take(60_000).collect()
    }

    #[test]
    fn few_clients_come_often() {
        let sample = sample(3, 1);
        let count = |client| sample.iter().filter(|&&it| it == client).count();
        // 6 in 11, 3 in 11 and 2 in 11.
        for (client, expected) in [(0, 0), (1, 32_727), (2, 16_364), (3, 10_909), (4, 0)] {
            assert!(count(client).abs_diff(expected) < 500, "client {client} came {} times", count(client));
        }
    }

    #[test]
    fn a_seed_gives_the_same_clients_again() {
        assert_eq!(sample(100, 7), sample(100, 7));
        assert_ne!(sample(100, 7), sample(100, 8));
    }

    #[test]
    fn nobody_comes_without_clients() {
        assert!(ClientSequence::new(0, 1).is_none());
    }
}
