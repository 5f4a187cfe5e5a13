//! The test: what each machine does, all of them at once.

use crate::image::{Image, Step};
use crate::kernel::{self, Kernel, said};
use crate::machine::{Machine, Processor};
use crate::matrix::{self, Column};
use crate::transcript::Transcript;
use crate::{SERIES, empty_image, folder};
use anyhow::{Context, Result, ensure};
use lb_tests::figures::replace_section;
use lb_tests::programs::Loaded;
use lb_tests::scene::program;
use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this kernel, by the first two numbers of its version; may be given more than once.
    #[arg(long = "kernel", value_name = "SERIES", value_parser = SERIES, num_args = 1)]
    kernels: Vec<String>,
    /// Write the tables to docs/kernels.md; takes all kernels.
    #[arg(long, conflicts_with = "kernels")]
    publish: bool,
    /// The test program with the packet vectors.
    #[arg(long, value_name = "PROGRAM", hide = true)]
    vectors: PathBuf,
    /// The test program of the decapsulator.
    #[arg(long, value_name = "PROGRAM", hide = true)]
    decap: PathBuf,
    /// The test program with the end-to-end tests.
    #[arg(long, value_name = "PROGRAM", hide = true)]
    e2e: PathBuf,
}

/// Modules of the kernel that tests in namespaces need: links, a switch, and the way of probes.
const MODULES: [&str; 4] = ["veth", "bridge", "sch_ingress", "cls_bpf"];

/// End-to-end tests that show that a kernel forwards, by the beginnings of their names.
const SMOKE: &str = "smoke:: decap::packets_come_out_of_every_tunnel";

/// A machine may take so long.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let is_meant = |series: &&str| args.kernels.is_empty() || args.kernels.iter().any(|meant| meant == series);
    let kernels: Vec<Kernel> =
        SERIES.into_iter().filter(is_meant).map(|series| kernel::fetch(series, &folder())).collect::<Result<_>>()?;
    let first = kernels.first().context("no kernel")?;
    let processor = Processor::find(first, &empty_image(first)?);
    println!("by {processor}: {}", kernels.iter().map(|kernel| kernel.release.as_str()).collect::<Vec<_>>().join(", "));

    let mut columns = vec![running_kernel().context("the running kernel")?];
    let tested: Vec<Result<Column>> = thread::scope(|scope| {
        let machines: Vec<_> =
            kernels.iter().map(|kernel| scope.spawn(move || test(args, kernel, processor))).collect();
        let joined = machines.into_iter().map(|it| it.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)));
        joined.collect()
    });
    for (column, kernel) in tested.into_iter().zip(&kernels) {
        columns.push(column.with_context(|| kernel.release.clone())?);
    }
    let section = matrix::section(&columns);
    println!("\n{section}");
    let (passed, failed) = columns.iter().fold((0, 0), |(passed, failed), column| {
        let transcript = &column.transcript;
        (passed + transcript.passed(), failed + transcript.failed())
    });
    println!("test result: {}. {passed} passed; {failed} failed; 0 ignored", if failed == 0 { "ok" } else { "FAILED" });
    if failed > 0 {
        return Ok(ExitCode::FAILURE);
    }
    if args.publish {
        replace_section(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kernels.md"), "kernels", &section)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tests one kernel. Whatever a step comes to, the next ones are taken too.
fn test(args: &Args, kernel: &Kernel, processor: Processor) -> Result<Column> {
    let steps = [
        Step { name: "programs", command: "/bin/programs".to_owned() },
        Step { name: "smoke", command: format!("HANDOFF_BIN=/bin/handoff /bin/e2e --test-threads=1 {SMOKE}") },
        Step { name: "vectors", command: "/bin/vectors".to_owned() },
        Step { name: "decap", command: "/bin/decap_kernel".to_owned() },
    ];
    let image = Image::of(kernel, &MODULES)?;
    image.system_program("ethtool")?;
    image.program(&program(), "/bin/handoff")?;
    image.program(&beside("programs")?, "/bin/programs")?;
    image.program(&args.vectors, "/bin/vectors")?;
    image.program(&args.decap, "/bin/decap_kernel")?;
    image.program(&args.e2e, "/bin/e2e")?;
    image.folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors"))?;
    image.steps(&steps)?;
    let path = folder().join(format!("{}.img", kernel.series));
    image.pack(&path)?;

    let mut log = File::create(path.with_extension("log"))?;
    let machine = Machine { kernel, image: path, processor, cpus: 1, nics: false, patience: PATIENCE };
    let mut transcript = Transcript::default();
    let mut unwritten = Ok(());
    let ended = machine.run(|line| {
        if transcript.hear(line) {
            println!("{}: {line}", kernel.series);
        }
        if let Err(error) = writeln!(log, "{line}") {
            unwritten = Err(error);
        }
    });
    fs::remove_file(&machine.image)?;
    unwritten.context("cannot write the log")?;
    ended?;
    let names: Vec<_> = transcript.steps.iter().map(|step| step.name.as_str()).collect();
    let all = steps.each_ref().map(|step| step.name);
    ensure!(transcript.off && names == all, "it broke off after {names:?}; see {}", machine.console().display());
    Ok(Column { title: kernel.release.clone(), by: processor.to_string(), transcript })
}

/// Has the running kernel load every program, too.
fn running_kernel() -> Result<Column> {
    let programs: Vec<Loaded> = serde_json::from_str(&said(&mut Command::new(beside("programs")?))?)?;
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    // What follows the version is the builder's.
    let version = release.trim().split('-').next().unwrap_or_default().to_owned();
    Ok(Column { title: version, by: "the machine itself".to_owned(), transcript: Transcript::of(programs) })
}

/// A program that was built with this one.
fn beside(name: &str) -> Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(name))
}
