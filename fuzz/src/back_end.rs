//! A back-end that takes packets out of all tunnels there are: what it would be told by its own configuration is not the question here.

use lb_common::abi::Address;
use lb_common::decap::{self, Settings, Tables, Verdict};
use lb_common::frame::Frame;
use lb_tests::tunnel::GUE_PORT;

struct BackEnd;

/// Takes the packet in `frame` out of its tunnel.
///
/// # Errors
/// The verdict on one that stays in, or is in none.
pub fn receive(frame: &mut Vec<u8>) -> Result<(), Verdict> {
    let mut whole = Frame::from_slice(frame);
    let plan = decap::decide(&BackEnd, &whole)?;
    decap::strip(&mut whole, &plan)?;
    frame.drain(..plan.remove);
    Ok(())
}

impl Tables for BackEnd {
    fn settings(&self) -> Option<&Settings> {
        const { Some(&Settings::new(GUE_PORT)) }
    }

    fn is_own(&self, _: &Address) -> bool {
        true
    }

    fn is_tunnel_source(&self, _: &Address) -> bool {
        true
    }

    fn is_vip(&self, _: &Address) -> bool {
        true
    }
}
