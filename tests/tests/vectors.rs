//! Every packet vector, on the host and in the kernel.

use anyhow::{Context, Result, ensure};
use lb_common::verdict::{Dropped, Subject, Verdict};
use lb_tests::agreement::rehearsals_agree_with_the_kernel;
use lb_tests::runner::{self, Kernel, run};
use lb_tests::vector::{Case, Step, load_all};
use lb_tests::world::BUCKETS;
use lb_user::bpf::{Object, Pinning, Sizes};
use lb_user::dataplane::memory::MemoryDataplane;
use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match load_all() {
        Ok(cases) => libtest_mimic::run(&arguments, tests(cases)).exit_code(),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tests(cases: Vec<Case>) -> Vec<Trial> {
    let cases: Vec<Arc<Case>> = cases.into_iter().map(Arc::new).collect();
    let host = cases
        .iter()
        .cloned()
        .map(|case| test(format!("host::{}", case.name), move || run(&case, MemoryDataplane::new(BUCKETS as usize))));
    let kernel = cases.iter().cloned().map(|case| test(format!("kernel::{}", case.name), move || in_the_kernel(&case)));
    let mut tests: Vec<Trial> = host.chain(kernel).collect();
    tests.push(test("kernel::verifier-ceiling".to_owned(), stay_below_the_verifier_ceiling));
    tests.push(test("kernel::the-benchmark-loads".to_owned(), load_the_benchmark));
    tests.push(test("kernel::rehearsals-agree".to_owned(), || rehearsals_agree_with_the_kernel(10_000)));
    tests.push(test("vectors::cover-every-verdict".to_owned(), move || cover_every_verdict(&cases)));
    tests
}

fn in_the_kernel(case: &Case) -> Result<()> {
    let mut kernel = Kernel::fresh()?;
    run(case, &mut kernel)?;
    // One that failed may be in any state: nobody gets it.
    kernel.give_back();
    Ok(())
}

fn test(name: String, check: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, || check().map_err(|error| format!("{error:#}").into()))
}

/// The verifier gives up after a million instructions. A program that comes near to that has grown in the wrong way.
fn stay_below_the_verifier_ceiling() -> Result<()> {
    const CEILING: u32 = 120_000;
    let verified =
        runner::Subject::dataplane(&mut &mut Kernel::load()?).object().xdp()?.info()?.verified_instruction_count();
    let verified = verified.context("kernels before 5.16 do not say how many instructions they verified")?;
    ensure!(verified <= CEILING, "the verifier looked at {verified} instructions, more than {CEILING}");
    Ok(())
}

/// What ours is measured against is the same program with another flow table: it must not fall behind.
fn load_the_benchmark() -> Result<()> {
    static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/bench.o"));
    let sizes = Sizes { flows: BUCKETS, clients: BUCKETS, keys: true };
    Object::load_from(OBJECT, "handoff_lru", sizes, Pinning::Off)?;
    Ok(())
}

fn cover_every_verdict(cases: &[Arc<Case>]) -> Result<()> {
    let expects =
        |verdict: Verdict, step: &Step| matches!(step, Step::Packet { expect, .. } if expect.verdict == verdict);
    // No driver leaves less room in front of a packet than the largest header needs; `lb_common` tests what happens without.
    let without_room = Verdict::Dropped(Dropped::NoHeadroom, Subject::VIP);
    for verdict in Verdict::all().filter(|&verdict| verdict != without_room) {
        let covered = cases.iter().any(|case| case.steps.iter().any(|step| expects(verdict, step)));
        ensure!(covered, "no vector expects {verdict:?}");
    }
    Ok(())
}
