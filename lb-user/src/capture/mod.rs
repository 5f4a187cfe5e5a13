//! Captures packets by way of libpcap, and shows captured packets to people.
//!
//! libpcap is fed after XDP: of an interface with an XDP program it sees what the program passes to the network stack, and nothing of what
//! is forwarded.
//!
//! | file | what it does |
//! |---|---|
//! | `device` | the devices that there are, and which of them have an XDP program |
//! | `live` | captures on one of them |
//! | `line` | a packet as one line of text |
//! | `pcapng` | what was captured in the program, as a file |
//! | `stream` | reads such a file while it comes |
//! | `filter` | libpcap's filters, for packets that did not come by way of libpcap |
//! | `files` | writes such a file, and begins another when it is too large or too old |

mod device;
mod error;
mod files;
mod filter;
mod line;
mod live;
mod pcapng;
mod stream;

pub use device::{Device, DeviceAddress, Xdp, device, devices};
pub use error::Error;
pub use files::{Files, Rotation};
pub use filter::{Filter, narrow};
pub use line::{line, line_of};
pub use live::{Live, LiveOptions, Statistics, Stopper};
pub use pcapng::Pcapng;
pub use stream::{Stream, StreamBlock, StreamPacket};
