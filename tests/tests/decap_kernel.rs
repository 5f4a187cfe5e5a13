//! The decapsulator in the kernel, run by `BPF_PROG_TEST_RUN`, does what the packet logic does on the host. Needs root.

use anyhow::{Context, Result, ensure};
use aya::programs::{TestRun, TestRunOptions};
use lb_common::abi::VerdictCounters;
use lb_common::decap::{MAX_VERDICTS, Settings, Verdict};
use lb_tests::tunnel::{Backend, GUE_PORT, OWN, SOURCES, VIP, address, cases};
use lb_user::bpf::Decapsulator;

/// Shorter frames are none: `BPF_PROG_TEST_RUN` takes no part of an Ethernet header.
const SHORTEST: usize = 14;

/// Bytes of a frame, from its first, that every header is among.
const HEADERS: usize = 160;

#[test]
fn every_case_ends_as_on_the_host() -> Result<()> {
    let mut kernel = Kernel::load()?;
    for case in cases() {
        kernel.check(&case.frame).with_context(|| case.name.clone())?;
    }
    kernel.check_counters()
}

#[test]
fn every_header_may_lie() -> Result<()> {
    let mut kernel = Kernel::load()?;
    for case in cases() {
        for offset in 0..case.frame.len().min(HEADERS) {
            for lie in [0x00, 0x04, 0x45, 0x60, 0xff] {
                let mut frame = case.frame.clone();
                frame[offset] = lie;
                kernel.check(&frame).with_context(|| format!("{}: byte {offset} is {lie:#04x}", case.name))?;
            }
        }
    }
    kernel.check_counters()
}

#[test]
fn every_frame_may_be_cut() -> Result<()> {
    let mut kernel = Kernel::load()?;
    for case in cases() {
        for len in SHORTEST..case.frame.len() {
            kernel.check(&case.frame[..len]).with_context(|| format!("{}: {len} bytes", case.name))?;
        }
    }
    kernel.check_counters()
}

#[test]
fn the_verifier_stays_below_its_ceiling() -> Result<()> {
    const CEILING: u32 = 25_000;
    let verified = Kernel::load()?.program.xdp()?.info()?.verified_instruction_count();
    let verified = verified.context("kernels before 5.16 do not say how many instructions they verified")?;
    ensure!(verified <= CEILING, "the verifier looked at {verified} instructions, more than {CEILING}");
    Ok(())
}

/// The program, attached to nothing, and what it should have counted.
struct Kernel {
    program: Decapsulator,
    expected: [VerdictCounters; MAX_VERDICTS as usize],
}

impl Kernel {
    fn load() -> Result<Self> {
        let sources = SOURCES.map(|(first, len)| (address(first), len));
        let mut program = Decapsulator::load(Settings::new(GUE_PORT), &VIP.map(address), &sources)?;
        program.set_addresses(&OWN.map(address).into())?;
        Ok(Self { program, expected: [VerdictCounters::default(); MAX_VERDICTS as usize] })
    }

    /// Compares what becomes of `frame` with what the host does to it.
    fn check(&mut self, frame: &[u8]) -> Result<()> {
        let mut on_host = frame.to_vec();
        let (verdict, removed) = Backend::default().receive(&mut on_host);
        self.expected[verdict.number() as usize].count(frame.len() as u64);

        let mut out = vec![0; frame.len()];
        let options = TestRunOptions { data_in: Some(frame), data_out: Some(&mut out), ..TestRunOptions::new() };
        let result = self.program.xdp()?.test_run(options)?;
        out.truncate(result.data_size_out as usize);
        let action = match verdict {
            Verdict::Dropped(_) => 1,
            Verdict::Decapsulated(_) | Verdict::Passed(_) => 2,
        };
        ensure!(result.return_value == action, "{verdict:?}, but the program returned {}", result.return_value);
        ensure!(
            out == on_host[removed..],
            "out came\n{}\nnot\n{}",
            hex::encode(&out),
            hex::encode(&on_host[removed..])
        );
        Ok(())
    }

    fn check_counters(&self) -> Result<()> {
        let counters = self.program.counters()?;
        for verdict in Verdict::all() {
            let (found, expected) = (counters[verdict.number() as usize], self.expected[verdict.number() as usize]);
            ensure!(found == expected, "{verdict:?}: {found:?}, not {expected:?}");
        }
        Ok(())
    }
}
