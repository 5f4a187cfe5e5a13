//! Finds the XDP object that is embedded in the agent.

use std::path::PathBuf;
use std::{env, process};

fn main() {
    println!("cargo::rerun-if-env-changed=LB_EBPF_OBJECT");
    // Asked for when this runs, not when it is compiled: the tree may have been moved since.
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let built = package.join("../target/bpf/handoff.o");
    let object = env::var_os("LB_EBPF_OBJECT").map_or(built, PathBuf::from);
    println!("cargo::rerun-if-changed={}", object.display());
    let Ok(object) = object.canonicalize() else {
        println!(
            "cargo::error={}: there is no XDP object: run `cargo xtask build`, or name one with LB_EBPF_OBJECT",
            object.display()
        );
        process::exit(1);
    };
    println!("cargo::rustc-env=HANDOFF_BPF_OBJECT={}", object.display());
}
