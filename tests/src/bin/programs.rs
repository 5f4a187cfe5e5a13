//! Has the running kernel verify every program of the repository, and prints what that took, as JSON: for the table of kernels.

use anyhow::{Context, Result};
use aya::EbpfLoader;
use aya::programs::Program;
use lb_tests::programs::Loaded;

/// The objects that lb-ebpf becomes.
const OBJECTS: [(&str, &[u8]); 4] = [
    ("handoff", aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/handoff.o"))),
    ("decap", aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/decap.o"))),
    ("probe", aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/probe.o"))),
    ("bench", aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/bench.o"))),
];

/// Maps that are as large as a balancer wants them; what they hold does not matter here.
const LARGE: [&str; 3] = ["FLOWS", "KEYS", "CLIENTS"];

fn main() -> Result<()> {
    let mut loaded = Vec::new();
    for (object, content) in OBJECTS {
        load(object, content, &mut loaded).with_context(|| format!("{object}.o"))?;
    }
    println!("{}", serde_json::to_string(&loaded)?);
    Ok(())
}

fn load(object: &str, content: &[u8], loaded: &mut Vec<Loaded>) -> Result<()> {
    let mut loader = EbpfLoader::new();
    for map in LARGE {
        loader.map_max_entries(map, 1_024);
    }
    let mut ebpf = loader.load(content)?;
    for (name, program) in ebpf.programs_mut() {
        let refused = || format!("the kernel refuses {name}");
        match program {
            Program::Xdp(program) => program.load().with_context(refused)?,
            Program::SchedClassifier(program) => program.load().with_context(refused)?,
            other => anyhow::bail!("{name} is of a kind that is not known here: {:?}", other.prog_type()),
        }
        let info = program.info()?;
        loaded.push(Loaded {
            object: object.to_owned(),
            name: name.to_owned(),
            verified: info.verified_instruction_count().context("the kernel is older than 5.16")?,
            bytes: info.size_translated().context("the kernel does not say how large it is")?,
            machine_bytes: info.size_jitted(),
        });
    }
    Ok(())
}
