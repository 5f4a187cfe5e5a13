use anyhow::{Result, bail, ensure};
use etherparse::IpHeaders;
use lb_tests::output::{echo_reply, too_big};
use lb_tests::packet::Carried;
use std::collections::BTreeSet;
use std::ops::Range;

/// Whether `sent` is the reply to the echo request in `received`.
pub(super) fn judge_echo(received: &[u8], sent: &[u8]) -> Result<()> {
    ensure!(sent.len() == received.len(), "the reply to {} bytes has {}", received.len(), sent.len());
    let parts = Parts::of(received)?;
    // A wrong checksum must stay as wrong as it was, for the client to notice.
    for part in parts.with_checksums() {
        let [before, after] = [received, sent].map(|frame| sum(&frame[part.clone()]));
        ensure!(before == after, "the sum of {part:?} was {before:#06x} and is {after:#06x}");
    }
    let expected = parts.blank(&echo_reply(&parts.blank(received))?);
    let found = parts.blank(sent);
    ensure!(found == expected, "without checksums, out came\n{found:02x?}\nexpected was\n{expected:02x?}");
    Ok(())
}

/// Whether `sent` tells the sender of `received` that it is longer than one of `mtus`.
pub(super) fn judge_too_big(received: &[u8], mtus: &BTreeSet<u16>, sent: &[u8]) -> Result<()> {
    let len = Carried::of(received)?.packet.len();
    for &mtu in mtus.iter().filter(|&&mtu| usize::from(mtu) < len) {
        if too_big(received, mtu, sent)? == sent {
            return Ok(());
        }
    }
    bail!("a packet of {len} bytes is not too big for any of {mtus:?}, or this does not say so:\n{sent:02x?}")
}

/// Where in a frame its parts are.
struct Parts {
    /// The IP header, if it has a checksum.
    header: Option<Range<usize>>,
    /// The ICMP message. Its checksum covers the addresses too if there is none in the header, but not their order.
    message: Range<usize>,
}

impl Parts {
    fn of(frame: &[u8]) -> Result<Self> {
        let carried = Carried::of(frame)?;
        let (ip, _) = IpHeaders::from_slice(carried.packet)?;
        let end = frame.len() - carried.padding.len();
        let start = end - carried.packet.len();
        let message = start + ip.header_len();
        Ok(Self { header: ip.ipv4().map(|_| start..message), message: message..end })
    }

    fn with_checksums(&self) -> impl Iterator<Item = Range<usize>> {
        self.header.iter().chain([&self.message]).cloned()
    }

    /// The frame without checksums, and with code 0: as Linux, the balancer answers whatever the code is. Etherparse does not know of
    /// IPv4's reserved flag.
    fn blank(&self, frame: &[u8]) -> Vec<u8> {
        let mut frame = frame.to_vec();
        if let Some(header) = &self.header {
            frame[header.start + 6] &= 0x7f;
            frame[header.start + 10..][..2].fill(0);
        }
        frame[self.message.start + 1..][..3].fill(0);
        frame
    }
}

/// The sum that the Internet checksum completes: of pairs of bytes, with what runs over added again.
fn sum(bytes: &[u8]) -> u32 {
    let pairs = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    pairs.sum::<u32>() % 0xffff
}
