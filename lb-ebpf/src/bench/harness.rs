//! Makes the packet anew before every run of a measured program.
//!
//! `BPF_PROG_TEST_RUN` runs a program many times over one packet, and does not undo what the program wrote. So the
//! benchmark runs this program: it takes off what a tunnel put in front, restores the Ethernet header, gives the packet the next flow's
//! source, and tail-calls the program to be measured. Without such a program, it is the cost to subtract.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::{bpf_redirect, bpf_xdp_adjust_head};
use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::{Array, ProgramArray};
use aya_ebpf::programs::XdpContext;
use core::ptr::with_exposed_provenance_mut;
use lb_common::frame::{Frame, Header};
use lb_common::wire::{Be16, Ethernet, Mac, ether_type};

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
    /// What the packet is.
    ether_type: Be16,
    /// The interface to send generated packets out of.
    ifindex: u32,
    /// Length of the packet.
    len: u32,
}

/// The IPv4 header, without options, and the first bytes of the TCP or UDP header.
#[repr(C)]
struct Ipv4Headers {
    rest: [Be16; 6],
    source: [Be16; 2],
    destination: [Be16; 2],
    source_port: Be16,
}

/// The IPv6 header, without extensions, and the first bytes of the TCP or UDP header.
#[repr(C)]
struct Ipv6Headers {
    rest: [Be16; 4],
    source: [Be16; 8],
    destination: [Be16; 8],
    source_port: Be16,
}

// SAFETY: 16-bit words only.
unsafe impl Header for Ipv4Headers {}
// SAFETY: 16-bit words only.
unsafe impl Header for Ipv6Headers {}

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
    let surplus = (ctx.data_end() - ctx.data()) as i32 - traffic.len as i32;
    if surplus > 0 {
        // SAFETY: the context is the one that the program was called with.
        unsafe { bpf_xdp_adjust_head(ctx.ctx, surplus) };
    }
    // SAFETY: the kernel guarantees that the bytes from data to data_end are the packet's.
    let mut frame = unsafe {
        Frame::from_raw(with_exposed_provenance_mut(ctx.data()), with_exposed_provenance_mut(ctx.data_end()))
    };
    let ethernet = frame.header_mut::<Ethernet>(0)?;
    ethernet.readdress(&traffic.destination, &Mac::new([2, 0, 0, 0, 0, 1]));
    ethernet.ether_type = traffic.ether_type;
    // 16,384 flows from each client address of 10.0.0.0/14 or fd00::/110, ports from 16,384 up: 2³² packets without a repetition.
    let client = [(flow >> 30) as u16, (flow >> 14) as u16].map(Be16::new);
    let port = Be16::new(0x4000 | flow as u16 & 0x3fff);
    if traffic.ether_type == ether_type::IPV6 {
        let headers = frame.header_mut::<Ipv6Headers>(size_of::<Ethernet>())?;
        (headers.source[6], headers.source[7]) = (client[0], client[1]);
        headers.source_port = port;
    } else {
        let headers = frame.header_mut::<Ipv4Headers>(size_of::<Ethernet>())?;
        headers.source = [Be16::new(0x0a00 | client[0].get()), client[1]];
        headers.source_port = port;
    }
    Some(traffic.ifindex)
}
