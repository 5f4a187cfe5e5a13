//! Finds the XDP object that is embedded in the agent.

use std::path::PathBuf;
use std::{env, process};

fn main() {
    println!("cargo::rerun-if-env-changed=LB_EBPF_OBJECT");
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/handoff.o");
    let object = env::var_os("LB_EBPF_OBJECT").map_or_else(|| PathBuf::from(built), PathBuf::from);
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
