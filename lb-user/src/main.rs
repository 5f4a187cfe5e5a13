//! The command `handoff`.

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// Overwrites memory when it is freed, or moved to grow: the buffers of TLS, HTTP and JSON keep no ticket key.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    lb_user::cli::main()
}
