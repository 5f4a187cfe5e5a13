//! Every packet vector, on the host and in the kernel.

use anyhow::{Result, ensure};
use lb_common::verdict::Verdict;
use lb_tests::runner::{Kernel, run};
use lb_tests::vector::{Case, Step, load_all};
use lb_tests::world::BUCKETS;
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
    let kernel =
        cases.iter().cloned().map(|case| test(format!("kernel::{}", case.name), move || run(&case, Kernel::load()?)));
    let mut tests: Vec<Trial> = host.chain(kernel).collect();
    tests.push(test("vectors::cover-every-verdict".to_owned(), move || cover_every_verdict(&cases)));
    tests
}

fn test(name: String, check: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, || check().map_err(|error| format!("{error:#}").into()))
}

fn cover_every_verdict(cases: &[Arc<Case>]) -> Result<()> {
    let expects =
        |verdict: Verdict, step: &Step| matches!(step, Step::Packet { expect, .. } if expect.verdict() == verdict);
    for verdict in Verdict::all() {
        let covered = cases.iter().any(|case| case.steps.iter().any(|step| expects(verdict, step)));
        ensure!(covered, "no vector expects {verdict:?}");
    }
    Ok(())
}
