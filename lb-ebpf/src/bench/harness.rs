//! Makes the packet anew before every run of a measured program.
//!
//! `BPF_PROG_TEST_RUN` runs a program many times over one packet, and does not undo what the program wrote. So the
//! benchmark runs this program: it restores the Ethernet addresses, gives the packet the next flow's source, and tail-calls the program
//! to be measured. Without such a program, it is the cost to subtract.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::bpf_redirect;
use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::{Array, ProgramArray};
use aya_ebpf::programs::XdpContext;
use core::ptr::with_exposed_provenance_mut;
use lb_common::frame::{Frame, Header};
use lb_common::wire::{Be16, Mac};

/// Which flows to make. Written by the benchmark.
#[map]
static TRAFFIC: Array<Traffic> = Array::with_max_entries(1, 0);

/// The program to measure, at index 0.
#[map]
static TARGET: ProgramArray = ProgramArray::with_max_entries(1, 0);

#[repr(C)]
struct Traffic {
    /// Number of the next packet.
    next: u64,
    /// What a packet's number is multiplied by to give its flow: an odd number, which decides the order that flows come in.
    stride: u64,
    /// Flows, a power of two, minus one.
    flow_mask: u64,
    /// The Ethernet address that every packet is for.
    destination: Mac,
    padding: [u8; 2],
    /// The interface to send generated packets out of.
    ifindex: u32,
}

/// The first bytes of an Ethernet, IPv4 without options, TCP or UDP packet.
#[repr(C)]
struct Headers {
    destination: Mac,
    source: Mac,
    ether_type: Be16,
    ipv4: [Be16; 6],
    source_address: [Be16; 2],
    destination_address: [Be16; 2],
    source_port: Be16,
}

// SAFETY: 16-bit words only.
unsafe impl Header for Headers {}

/// Makes the packet anew and runs the program to be measured.
#[xdp]
fn harness(ctx: XdpContext) -> u32 {
    if renew(&ctx).is_some() {
        // SAFETY: index 0 exists; the call only returns when no program is there.
        unsafe {
            let _ = TARGET.tail_call(&ctx, 0);
        }
    }
    xdp_action::XDP_TX
}

/// Makes the packet anew and sends it out of an interface.
#[xdp]
fn generate(ctx: XdpContext) -> u32 {
    match renew(&ctx) {
        // SAFETY: the helper takes two numbers.
        Some(ifindex) => unsafe { bpf_redirect(ifindex, 0) as u32 },
        None => xdp_action::XDP_ABORTED,
    }
}

#[inline(always)]
fn renew(ctx: &XdpContext) -> Option<u32> {
    // SAFETY: only one CPU runs the benchmark.
    let traffic = unsafe { &mut *TRAFFIC.get_ptr_mut(0)? };
    let flow = (traffic.next.wrapping_mul(traffic.stride) & traffic.flow_mask) as u32;
    traffic.next += 1;
    // SAFETY: the kernel guarantees that the bytes from data to data_end are the packet's.
    let mut frame = unsafe {
        Frame::from_raw(with_exposed_provenance_mut(ctx.data()), with_exposed_provenance_mut(ctx.data_end()))
    };
    let headers = frame.header_mut::<Headers>(0)?;
    headers.destination = traffic.destination;
    headers.source = Mac::new([2, 0, 0, 0, 0, 1]);
    // 16,384 flows from each client address of 10.0.0.0/8, ports from 16,384 up: 2³² packets without a repetition.
    headers.source_address = [Be16::new(0x0a00 | (flow >> 30) as u16), Be16::new((flow >> 14) as u16)];
    headers.source_port = Be16::new(0x4000 | flow as u16 & 0x3fff);
    Some(traffic.ifindex)
}
