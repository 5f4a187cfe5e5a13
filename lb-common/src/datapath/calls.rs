use super::{
    Carried, Chain, Finding, Plan, Reading, carry, consider, count_frame, read, read_quic, reply, skip_extensions,
    too_big,
};
use crate::frame::Frame;
use crate::tables::{Buffer, Counters, Tables};
use crate::verdict::Verdict;

/// Parts of the way that are called, not inlined.
///
/// In the kernel each is a *global* function: the verifier checks it once by itself, whatever leads to it, so that the ways through the
/// parts add up instead of multiplying. Such a function takes numbers and memory and returns a number; the frame it gets from the
/// program's context. Elsewhere the parts are what stands here.
pub trait Calls: Tables + Counters + Sized {
    /// Counts `frame` by its class, and returns how many of that class there were.
    fn count_frame(&self, frame: &Frame<'_>) -> u64 {
        count_frame(self, frame)
    }

    /// Takes a sample of the packet in `frame`, of which this was found out, if it is the turn of one: it is the `count`th of its class.
    fn sample(&self, frame: &Frame<'_>, count: u64, found: &Result<Plan<'_>, Verdict>);

    /// Reads the packet in `frame`. Whether it is about a flow; if not, the verdict is in `finding`.
    fn read(&self, frame: &Frame<'_>, reading: &mut Reading, finding: &mut Finding) -> bool {
        read(self, frame, reading, finding)
    }

    /// Moves on past an IPv6 packet's extension headers. Whether they are all there.
    fn skip_extensions(&self, frame: &Frame<'_>, chain: &mut Chain) -> bool {
        skip_extensions(frame, chain)
    }

    /// Reads which server the packet's QUIC connection ID names, if it names one.
    fn read_quic(&self, frame: &Frame<'_>, reading: &mut Reading) {
        read_quic(self, frame, reading);
    }

    /// Finds the back-end for a packet that was read. Whether there is one; if not, the verdict is in `finding`.
    fn consider(&self, reading: &Reading, finding: &mut Finding) -> bool {
        consider(self, reading, finding)
    }

    /// Makes the frame anew around the packet.
    fn carry<B: Buffer>(&self, buffer: &mut B, plan: &Plan<'_>) -> Carried {
        carry(buffer, plan)
    }

    /// Turns the packet into a message to its sender that it is too big; whether it did.
    fn too_big<B: Buffer>(&self, buffer: &mut B, plan: &Plan<'_>) -> bool {
        too_big(self, buffer, plan)
    }

    /// Turns an echo request into its reply; whether it did.
    fn reply<B: Buffer>(&self, buffer: &mut B) -> bool {
        reply(self, buffer)
    }
}
