use lb_user::lab::load::ClientSequence;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::Exp1;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What clients do: they connect at random moments (a Poisson process), some far more often than others, and stay for random times.
#[derive(Clone, Copy, Debug)]
pub struct Traffic {
    /// How many clients there are; see [`ClientSequence`].
    pub clients: u16,
    /// Connections a second, of all clients together; at least 1.
    pub rate: u32,
    /// How long connections last on average. Their times are distributed exponentially.
    pub flow_duration: Duration,
    /// The same seed gives the same traffic.
    pub seed: u64,
}

/// A client connects.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When, since the beginning.
    pub at: Duration,
    /// Who.
    pub client: Ipv4Addr,
    /// How long the connection lasts.
    pub lasts: Duration,
}

impl Traffic {
    /// Everyone who connects, in the order of time, without end.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + use<> {
        let (interval, flow_duration) = (Duration::from_secs(1) / self.rate, self.flow_duration);
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut at = Duration::ZERO;
        ClientSequence::new(self.clients, self.seed).into_iter().flatten().map(move |client| {
            at += interval.mul_f64(random.sample(Exp1));
            Arrival { at, client: address(client), lasts: flow_duration.mul_f64(random.sample(Exp1)) }
        })
    }
}

/// Address of the client with this number.
fn address(client: u16) -> Ipv4Addr {
    let [high, low] = client.to_be_bytes();
    Ipv4Addr::new(10, 1, high, low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn connections_come_and_last_as_often_and_as_long_as_they_should() {
        let traffic = Traffic { clients: 50, rate: 20, flow_duration: Duration::from_secs(30), seed: 1 };
        let arrivals: Vec<_> = traffic.arrivals().take(20_000).collect();
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        let end = arrivals[19_999].at.as_secs_f64();
        assert!((980.0..1_020.0).contains(&end), "20,000 connections took {end} s");
        let mean = arrivals.iter().map(|arrival| arrival.lasts.as_secs_f64()).sum::<f64>() / 20_000.0;
        assert!((29.0..31.0).contains(&mean), "they lasted {mean} s on average");
        let mut clients = BTreeMap::new();
        arrivals.iter().for_each(|arrival| *clients.entry(arrival.client).or_insert(0) += 1);
        assert_eq!(clients.len(), 50);
        let (&busiest, _) = clients.iter().max_by_key(|(_, connections)| **connections).unwrap();
        assert_eq!(busiest, Ipv4Addr::new(10, 1, 0, 1));
    }
}
