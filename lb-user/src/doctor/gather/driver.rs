use crate::doctor::interface::Share;
use ethtool::{
    EthtoolAttr, EthtoolChannelAttr, EthtoolError, EthtoolFeatureAttr, EthtoolHandle, EthtoolMessage, EthtoolRingAttr,
};
use futures_util::{Stream, TryStreamExt};
use netlink_packet_generic::GenlMessage;
use std::collections::BTreeSet;
use std::pin::pin;

/// What the driver of an interface tells. Each may be `None`: drivers know but some of it.
#[derive(Default)]
pub(super) struct Driver {
    /// Names of the features that are on.
    pub(super) features: Option<BTreeSet<String>>,
    pub(super) ring: Option<Share>,
    pub(super) queues: Option<Share>,
}

/// Asks the driver of `interface`.
pub(super) async fn driver(requests: &mut EthtoolHandle, interface: &str) -> Driver {
    let features = answer(requests.feature().get(Some(interface)).execute().await).await;
    let rings = answer(requests.ring().get(Some(interface)).execute().await).await;
    let channels = answer(requests.channel().get(Some(interface)).execute().await).await;
    Driver { features: features.iter().find_map(active), ring: ring(&rings), queues: queues(&channels) }
}

/// The attributes of the one answer; none when there is none.
async fn answer<S>(answers: Result<S, EthtoolError>) -> Vec<EthtoolAttr>
where
    S: Stream<Item = Result<GenlMessage<EthtoolMessage>, EthtoolError>>,
{
    let Ok(answers) = answers else { return Vec::new() };
    let first = pin!(answers).try_next().await;
    first.ok().flatten().map(|message| message.payload.nlas).unwrap_or_default()
}

fn active(attribute: &EthtoolAttr) -> Option<BTreeSet<String>> {
    let EthtoolAttr::Feature(EthtoolFeatureAttr::Active(bits)) = attribute else { return None };
    Some(bits.iter().filter(|bit| bit.value).map(|bit| bit.name.clone()).collect())
}

fn ring(attributes: &[EthtoolAttr]) -> Option<Share> {
    let (mut now, mut most) = (None, None);
    for attribute in attributes {
        match attribute {
            EthtoolAttr::Ring(EthtoolRingAttr::Rx(count)) => now = Some(*count),
            EthtoolAttr::Ring(EthtoolRingAttr::RxMax(count)) => most = Some(*count),
            _ => {}
        }
    }
    Some(Share { now: now?, most: most? })
}

/// Queues that receive: those that do nothing else, and those that send as well.
fn queues(attributes: &[EthtoolAttr]) -> Option<Share> {
    let (mut now, mut most) = (0, 0);
    for attribute in attributes {
        use EthtoolChannelAttr::{CombinedCount, CombinedMax, RxCount, RxMax};
        match attribute {
            EthtoolAttr::Channel(RxCount(count) | CombinedCount(count)) => now += count,
            EthtoolAttr::Channel(RxMax(count) | CombinedMax(count)) => most += count,
            _ => {}
        }
    }
    (most > 0).then_some(Share { now, most })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ethtool::EthtoolFeatureBit;

    #[test]
    fn features_are_those_that_are_on() {
        let bit = |index, name: &str, value| EthtoolFeatureBit { index, name: name.to_owned(), value };
        let bits = vec![bit(1, "rx-lro", false), bit(2, "rx-gro", true)];
        let attribute = EthtoolAttr::Feature(EthtoolFeatureAttr::Active(bits));
        assert_eq!(active(&attribute), Some(["rx-gro".to_owned()].into()));
    }

    #[test]
    fn rings_and_queues_are_counted_if_the_driver_tells() {
        let ring_of = |attributes: Vec<_>| ring(&attributes.into_iter().map(EthtoolAttr::Ring).collect::<Vec<_>>());
        use EthtoolRingAttr::{Rx, RxMax, Tx};
        assert_eq!(ring_of(vec![RxMax(4_096), Rx(256), Tx(7)]), Some(Share { now: 256, most: 4_096 }));
        assert_eq!(ring_of(vec![Rx(256)]), None);
        let queues_of =
            |attributes: Vec<_>| queues(&attributes.into_iter().map(EthtoolAttr::Channel).collect::<Vec<_>>());
        use EthtoolChannelAttr::{CombinedCount, CombinedMax, RxCount, RxMax as RxQueues};
        assert_eq!(queues_of(vec![RxQueues(8), RxCount(1)]), Some(Share { now: 1, most: 8 }));
        assert_eq!(queues_of(vec![CombinedMax(16), CombinedCount(4)]), Some(Share { now: 4, most: 16 }));
        assert_eq!(queues_of(Vec::new()), None);
    }
}
