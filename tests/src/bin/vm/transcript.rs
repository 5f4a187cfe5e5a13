//! What a machine has said: which steps it took, and how they ended.

use lb_tests::programs::Loaded;
use std::time::{Duration, Instant};

/// All that a machine has said, as far as it matters.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) programs: Vec<Loaded>,
    pub(crate) steps: Vec<Done>,
    /// Whether it came to its end.
    pub(crate) off: bool,
    begun: Option<Begun>,
}

/// A step that was taken.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) name: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) time: Duration,
}

impl Done {
    fn failed(what: &str) -> Self {
        Self { name: what.to_owned(), passed: 0, failed: 1, time: Duration::ZERO }
    }
}

#[derive(Debug)]
struct Begun {
    name: String,
    since: Instant,
    passed: usize,
    failed: usize,
    /// Whether it has told of tests.
    is_test: bool,
}

impl Transcript {
    /// Of a machine that has loaded programs and done nothing else.
    pub(crate) fn of(programs: Vec<Loaded>) -> Self {
        Self { programs, ..Self::default() }
    }

    /// Takes a line in. Returns whether it is worth showing: tests that pass are not.
    pub(crate) fn hear(&mut self, line: &str) -> bool {
        if let Some(said) = line.strip_prefix("vm: ") {
            self.step(said);
            return true;
        }
        if let Some(counts) = counts(line)
            && let Some(begun) = &mut self.begun
        {
            begun.passed += counts.0;
            begun.failed += counts.1;
            begun.is_test = true;
            return true;
        }
        match serde_json::from_str(line) {
            Ok(programs) => {
                self.programs = programs;
                false
            }
            Err(_) => !(line.is_empty() || line.starts_with("test ") && line.ends_with(" ok")),
        }
    }

    fn step(&mut self, said: &str) {
        let mut words = said.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("off"), ..) => self.off = true,
            (Some("cannot"), Some("load"), _) => self.steps.push(Done::failed(said)),
            (Some("begin"), Some(name), _) => {
                self.begun =
                    Some(Begun { name: name.to_owned(), since: Instant::now(), passed: 0, failed: 0, is_test: false });
            }
            (Some("end"), Some(_), Some(code)) => {
                let Some(Begun { name, since, passed, mut failed, is_test }) = self.begun.take() else { return };
                // What ends badly without a failed test has failed all the same, and so have tests of which none ran.
                if failed == 0 && (code != "0" || is_test && passed == 0) {
                    failed = 1;
                }
                self.steps.push(Done { name, passed, failed, time: since.elapsed() });
            }
            _ => {}
        }
    }

    /// Tests that passed.
    pub(crate) fn passed(&self) -> usize {
        self.steps.iter().map(|step| step.passed).sum()
    }

    /// Tests, and steps without any, that failed.
    pub(crate) fn failed(&self) -> usize {
        self.steps.iter().map(|step| step.failed).sum()
    }

    /// The step of this name.
    pub(crate) fn done(&self, name: &str) -> Option<&Done> {
        self.steps.iter().find(|step| step.name == name)
    }
}

/// Passed and failed in `test result: ok. 5 passed; 1 failed; ...`.
fn counts(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = counts.split("; ");
    let passed = counts.next()?.strip_suffix(" passed")?.parse().ok()?;
    Some((passed, counts.next()?.strip_suffix(" failed")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> (Transcript, Vec<bool>) {
        let mut transcript = Transcript::default();
        let shown = lines.iter().map(|line| transcript.hear(line)).collect();
        (transcript, shown)
    }

    #[test]
    fn tests_are_counted_by_step_and_those_that_pass_are_not_shown() {
        let (transcript, shown) = heard(&[
            "vm: up",
            "vm: begin vectors",
            "test a ... ok",
            "test b ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored",
            "vm: end vectors 101",
            "vm: off",
        ]);
        assert_eq!(shown, [true, true, false, true, true, true, true]);
        assert_eq!((transcript.passed(), transcript.failed(), transcript.off), (1, 1, true));
        assert_eq!(transcript.done("vectors").map(|step| step.failed), Some(1));
        assert!(transcript.done("decap").is_none());
    }

    #[test]
    fn a_step_that_breaks_off_has_failed_and_one_without_an_end_is_none() {
        let (transcript, _) = heard(&["vm: begin programs", "no", "vm: end programs 1", "vm: begin vectors"]);
        assert_eq!((transcript.passed(), transcript.failed(), transcript.off), (0, 1, false));
        assert_eq!(transcript.steps.len(), 1);
    }

    #[test]
    fn tests_of_which_none_ran_and_modules_that_are_missing_are_failures() {
        let none = "test result: ok. 0 passed; 0 failed; 0 ignored";
        let (transcript, _) = heard(&["vm: begin smoke", none, "vm: end smoke 0"]);
        assert_eq!((transcript.passed(), transcript.failed()), (0, 1));
        let (transcript, _) = heard(&["vm: cannot load /lib/modules/veth.ko", "vm: off"]);
        assert_eq!(transcript.failed(), 1);
    }

    #[test]
    fn programs_are_read() {
        let line = r#"[{"object":"decap","name":"handoff_decap","verified":7,"bytes":8,"machine_bytes":9}]"#;
        let (transcript, shown) = heard(&[line]);
        assert_eq!((transcript.programs[0].verified, shown), (7, vec![false]));
    }
}
