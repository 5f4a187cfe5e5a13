//! The link to the lab's balancer, as far as its end at the switch goes: frames leave by it as fast as wanted, and come back.

use crate::harness::{Harness, Traffic};
use crate::packet::Packet;
use anyhow::{Context, Result, anyhow, ensure};
use lb_common::wire::Mac;
use lb_tests::scene::Scene;
use lb_user::lab::{Namespace, Node};
use nix::net::if_::if_nametoindex;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The least time between two bursts.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Line<'a> {
    harness: &'a mut Harness,
    switch: Namespace,
    packet: Packet,
}

impl<'a> Line<'a> {
    /// The link that carries packets of the first `flows` flows, a power of two, in an order that has nothing to do with their numbers.
    pub(crate) fn to_balancer(harness: &'a mut Harness, scene: &Scene, packet: Packet, flows: u64) -> Result<Self> {
        let switch = scene.namespace(Node::Switch);
        let mac: Mac = address(&scene.ip(Node::Balancer, "-json link show dev eth0")?)?;
        // The port's own program lets everything pass; another takes its place.
        fs::remove_dir_all(scene.site().pin_folder(Node::Switch)).context("the switch has no pinned link")?;
        let port = Node::Balancer.to_string();
        switch.run(|| -> Result<()> {
            harness.sink(&port)?;
            let to = if_nametoindex(port.as_str())?;
            harness.traffic(Traffic::shuffled(packet, flows).leaving_by(to).to(mac))
        })??;
        Ok(Self { harness, switch, packet })
    }

    /// Sends so many frames as fast as this CPU can; how many come back, and in what time.
    pub(crate) fn send(&mut self, frames: u32) -> Result<(u64, Duration)> {
        let Self { harness, switch, packet } = self;
        switch.run(|| harness.generate(*packet, frames))?
    }

    /// Sends `rate` frames a second for `time`; how many were sent, and how many come back.
    ///
    /// # Errors
    /// When this CPU cannot send as many.
    pub(crate) fn evenly(&mut self, rate: u32, time: Duration) -> Result<(u64, u64)> {
        let Self { harness, switch, packet } = self;
        switch.run(|| {
            let (start, mut sent, mut back) = (Instant::now(), 0, 0);
            while start.elapsed() < time {
                sleep(PAUSE);
                // To begin with a burst takes some milliseconds, so one is as large as what has come due meanwhile.
                let due = (f64::from(rate) * start.elapsed().as_secs_f64()) as u32;
                back += harness.generate(*packet, due - sent)?.0;
                sent = due;
            }
            let kept_up = f64::from(sent) >= 0.95 * f64::from(rate) * start.elapsed().as_secs_f64();
            ensure!(kept_up, "{sent} frames were sent in {:?}, and not {rate} a second", start.elapsed());
            Ok((sent.into(), back))
        })?
    }
}

/// The Ethernet address in what `ip -json link show` prints of one interface.
fn address(json: &str) -> Result<Mac> {
    let links: Vec<serde_json::Value> = serde_json::from_str(json)?;
    let text = links.first().and_then(|link| link["address"].as_str()).context("the interface has no address")?;
    let octets: Vec<u8> = text.split(':').map(|octet| u8::from_str_radix(octet, 16)).collect::<Result<_, _>>()?;
    Ok(Mac::new(octets.try_into().map_err(|_| anyhow!("{text} is no Ethernet address"))?))
}
