//! What kind of traffic there is.

use super::{Readings, counters, gauges};
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;

impl Readings {
    pub(super) fn encode_traffic(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let protocols = || {
            self.traffic.protocols.iter().map(|it| {
                let labels = [("link", &it.link), ("network", &it.network), ("transport", &it.transport)];
                (labels.map(|(name, value)| (name, value.clone())), it)
            })
        };
        let frames = protocols().map(|(labels, it)| (labels, it.packets));
        counters(encoder, "frames", "Frames that came in, by protocol.", frames)?;
        let bytes = protocols().map(|(labels, it)| (labels, it.bytes));
        counters(encoder, "frame_bytes", "Their bytes, Ethernet headers included.", bytes)?;
        let tcp = &self.traffic.tcp;
        let segments = [("syn", tcp.syn), ("fin", tcp.fin), ("rst", tcp.rst), ("none", tcp.other)];
        let segments = segments.into_iter().map(|(flag, count)| ([("flag", flag.to_owned())], count));
        counters(encoder, "tcp_segments", "TCP segments that came in, by the flag that says most.", segments)?;
        self.encode_fairness(encoder)?;
        self.encode_hellos(encoder)
    }

    fn encode_fairness(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let services = || self.traffic.fairness.iter().map(|it| ([("service", it.service.clone())], it));
        let max = services().filter_map(|(labels, it)| Some((labels, it.max_over_mean?)));
        let help = "Largest share of new flows since the counters began by the mean one, relative to weights; 1 when all are equal.";
        gauges(encoder, "service_max_over_mean", help, None, max)?;
        let jain = services().filter_map(|(labels, it)| Some((labels, it.jain?)));
        let help = "Jain's index of the shares of new flows since the counters began, relative to weights; 1 when all are equal.";
        gauges(encoder, "service_jain", help, None, jain)
    }

    fn encode_hellos(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let versions = self.hellos.iter().flat_map(|it| {
            [("1.3", it.tls13), ("1.2", it.tls12), ("older", it.older)].map(|(version, count)| {
                ([("service", it.service.clone()), ("version", version.to_owned())], count as f64)
            })
        });
        let help = "TLS hellos among the samples of the last minutes, by the highest version offered.";
        gauges(encoder, "tls_hellos", help, None, versions)?;
        let offers = self.hellos.iter().map(|it| ([("service", it.service.clone())], it.resumption as f64));
        gauges(encoder, "tls_resumption_offers", "Those of them that offer a session to resume.", None, offers)
    }
}
