//! What drivers can do with XDP, by the kernel's netlink family `netdev` (Linux 6.3 and later).

use crate::doctor::interface::XdpFeatures;
use futures_util::TryStreamExt;
use genetlink::GenetlinkHandle;
use netlink_packet_core::{
    DecodeError, DefaultNla, Emitable, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload, Nla, NlasIterator,
    ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use std::pin::pin;

/// `NETDEV_CMD_DEV_GET`.
const DEVICE_GET: u8 = 1;
/// `NETDEV_A_DEV_IFINDEX`: 32 bits.
const IFINDEX: u16 = 1;
/// `NETDEV_A_DEV_XDP_FEATURES`: 64 bits.
const FEATURES: u16 = 3;
/// `NETDEV_XDP_ACT_BASIC`.
const BASIC: u64 = 1 << 0;
/// `NETDEV_XDP_ACT_NDO_XMIT`.
const TAKES_REDIRECTED: u64 = 1 << 2;

/// What the driver of the interface with this index can do; `None` when the kernel does not tell.
pub(super) async fn xdp_features(requests: &mut GenetlinkHandle, ifindex: u32) -> Option<XdpFeatures> {
    let question = Device(vec![DefaultNla::new(IFINDEX, ifindex.to_ne_bytes().to_vec())]);
    let mut message = NetlinkMessage::from(GenlMessage::from_payload(question));
    message.header.flags = NLM_F_REQUEST;
    let answers = requests.request(message).await.ok()?;
    match pin!(answers).try_next().await.ok()??.payload {
        NetlinkPayload::InnerMessage(answer) => features(&answer.payload),
        _ => None,
    }
}

fn features(device: &Device) -> Option<XdpFeatures> {
    let mut bytes = [0; 8];
    let attribute = device.0.iter().find(|attribute| attribute.kind() == FEATURES)?;
    if attribute.value_len() != bytes.len() {
        return None;
    }
    attribute.emit_value(&mut bytes);
    let bits = u64::from_ne_bytes(bytes);
    Some(XdpFeatures { basic: bits & BASIC != 0, takes_redirected: bits & TAKES_REDIRECTED != 0 })
}

/// A message about one device, by its attributes.
#[derive(Clone, Debug)]
struct Device(Vec<DefaultNla>);

impl GenlFamily for Device {
    fn family_name() -> &'static str {
        "netdev"
    }

    fn command(&self) -> u8 {
        DEVICE_GET
    }

    fn version(&self) -> u8 {
        1
    }
}

impl Emitable for Device {
    fn buffer_len(&self) -> usize {
        self.0.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.0.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Device {
    fn parse_with_param(buffer: &[u8], _: GenlHeader) -> Result<Self, DecodeError> {
        let attributes = NlasIterator::new(buffer);
        let attributes = attributes.map(|attribute| {
            let attribute = attribute?;
            Ok(DefaultNla::new(attribute.kind(), attribute.value().to_vec()))
        });
        attributes.collect::<Result<_, DecodeError>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read_from_the_kernels_answer() {
        // As `ynl` shows it for a veth device: basic, redirect, takes redirected.
        let mut answer = Device(vec![DefaultNla::new(IFINDEX, vec![7, 0, 0, 0])]);
        answer.0.push(DefaultNla::new(FEATURES, 0b111_u64.to_ne_bytes().to_vec()));
        let mut bytes = vec![0; answer.buffer_len()];
        answer.emit(&mut bytes);
        let parsed = Device::parse_with_param(&bytes, GenlHeader { cmd: DEVICE_GET, version: 1 }).expect("attributes");
        assert_eq!(features(&parsed), Some(XdpFeatures { basic: true, takes_redirected: true }));
        let short = Device(vec![DefaultNla::new(FEATURES, vec![7])]);
        assert_eq!(features(&short), None);
        assert!(Device::parse_with_param(&[1, 0, 0], GenlHeader { cmd: DEVICE_GET, version: 1 }).is_err());
    }
}
