//! Finds the XDP objects that are embedded in the program.

use std::path::PathBuf;
use std::{env, process};

/// Name of each object, the variable that names another file for it, and the one by which the sources find it.
const OBJECTS: [[&str; 3]; 3] = [
    ["handoff", "LB_EBPF_OBJECT", "HANDOFF_BPF_OBJECT"],
    ["decap", "LB_EBPF_DECAP_OBJECT", "HANDOFF_DECAP_BPF_OBJECT"],
    ["probe", "LB_EBPF_PROBE_OBJECT", "HANDOFF_PROBE_BPF_OBJECT"],
];

fn main() {
    // Asked for when this runs, not when it is compiled: the tree may have been moved since.
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    for [name, override_variable, variable] in OBJECTS {
        println!("cargo::rerun-if-env-changed={override_variable}");
        let built = package.join("../target/bpf").join(name).with_extension("o");
        let object = env::var_os(override_variable).map_or(built, PathBuf::from);
        println!("cargo::rerun-if-changed={}", object.display());
        let Ok(object) = object.canonicalize() else {
            println!(
                "cargo::error={}: there is no XDP object: run `cargo xtask build`, or name one with {override_variable}",
                object.display()
            );
            process::exit(1);
        };
        println!("cargo::rustc-env={variable}={}", object.display());
    }
}
