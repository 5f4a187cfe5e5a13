//! Programs that the benchmark measures the XDP program with and against; never attached to anything but its own interfaces.

#![no_std]
#![no_main]

mod floor;
mod harness;
mod lru;

/// As in the program proper: a left-over panic fails to load.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[expect(clippy::empty_loop, reason = "rejected by the verifier, as it should be")]
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
