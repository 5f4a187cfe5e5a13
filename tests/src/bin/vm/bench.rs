//! The benchmark: Handoff next to its peers in machines that have network interfaces of their own, and IPVS, which the running kernel may not have.

use crate::image::{Image, Step};
use crate::kernel::{self, Kernel};
use crate::machine::{Machine, Processor};
use crate::transcript::Transcript;
use crate::{SERIES, empty_image, folder};
use anyhow::{Context, Result, ensure};
use lb_tests::figures::replace_section;
use lb_tests::scene::program;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds of each subject; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Write the tables to docs/performance.md; takes at least 5 rounds.
    #[arg(long)]
    publish: bool,
    /// The benchmark.
    #[arg(long, value_name = "PROGRAM", hide = true)]
    peers: PathBuf,
}

/// Modules of the kernel that it needs.
const MODULES: [&str; 12] = [
    "veth",
    "bridge",
    "sch_ingress",
    "cls_bpf",
    "ip_vs",
    "ip_vs_rr",
    "nf_tables",
    "nft_chain_nat",
    "nft_nat",
    "nft_numgen",
    "virtio_pci",
    "virtio_net",
];

/// Programs that are measured there, and what they need. nginx is too slow by emulation: its connections starve.
const PROGRAMS: [&str; 4] = ["ethtool", "ipvsadm", "nft", "haproxy"];

/// The links that the balancer has, in turn: name, title, and what is measured over each.
const LINKS: [(&str, &str, &str); 2] = [
    (
        "nics",
        "network interface (virtio)",
        "--nics eth0,eth1 --only direct,routing,routing-both-ways,l2-dsr,ipvs-dr,nftables,haproxy",
    ),
    ("veth", "veth pair", "--only routing,routing-xdp-link,l2-dsr,ipvs-dr"),
];

/// For how long at a time, and at which fixed rate: emulated processors are slow.
const TIMES: &str = "--seconds 2 --rate 100";

/// A machine may take so long.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    ensure!(!args.publish || args.rounds >= 5, "--rounds {}: --publish takes at least 5", args.rounds);
    let kernels: Vec<Kernel> =
        SERIES.into_iter().map(|series| kernel::fetch(series, &folder())).collect::<Result<_>>()?;
    let first = kernels.first().context("no kernel")?;
    let processor = Processor::find(first, &empty_image(first)?);
    // Each has a processor for itself.
    let measured: Vec<Result<String>> = thread::scope(|scope| {
        let machines: Vec<_> =
            kernels.iter().map(|kernel| scope.spawn(move || measure(args, kernel, processor))).collect();
        let joined = machines.into_iter().map(|it| it.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)));
        joined.collect()
    });
    let mut section = String::new();
    for (measured, kernel) in measured.into_iter().zip(&kernels) {
        section += &measured.with_context(|| kernel.release.clone())?;
    }
    println!("{section}");
    if args.publish {
        replace_section(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md"), "vm", &section)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures on one kernel. Returns its part of the document.
fn measure(args: &Args, kernel: &Kernel, processor: Processor) -> Result<String> {
    let steps = LINKS.map(|(name, _, options)| {
        // What it says besides its tables goes to the kernel's line.
        let command =
            format!("HANDOFF_BIN=/bin/handoff /bin/peers {options} {TIMES} --rounds {} 2>/dev/ttyS0", args.rounds);
        Step { name, command }
    });
    let image = Image::of(kernel, &MODULES)?;
    PROGRAMS.into_iter().try_for_each(|name| image.system_program(name))?;
    image.program(&program(), "/bin/handoff")?;
    image.program(&args.peers, "/bin/peers")?;
    image.steps(&steps)?;
    let path = folder().join(format!("{}-bench.img", kernel.series));
    image.pack(&path)?;

    let machine = Machine { kernel, image: path, processor, cpus: 1, nics: true, patience: PATIENCE };
    let by = if processor == Processor::Kvm { "by KVM" } else { "emulated" };
    let (mut transcript, mut said) = (Transcript::default(), String::new());
    let ended = machine.run(|line| {
        transcript.hear(line);
        let begun = line.strip_prefix("vm: begin ");
        if let Some((_, title, _)) = LINKS.iter().find(|(name, ..)| begun == Some(name)) {
            said += &format!("### Linux {}, {by}, over a {title}\n\n", kernel.release);
        } else if !line.starts_with("vm: ") {
            said += line;
            said.push('\n');
        }
    });
    fs::remove_file(&machine.image)?;
    ended?;
    let done = LINKS.iter().all(|(name, ..)| transcript.done(name).is_some());
    let broke_off = || format!("it broke off: see {}; it said:\n{said}", machine.console().display());
    ensure!(done && transcript.failed() == 0 && transcript.off, broke_off());
    Ok(said + "\n")
}
