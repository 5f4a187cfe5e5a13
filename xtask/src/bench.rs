//! `cargo xtask bench`: measure the datapath, how it scales, or Handoff beside its peers.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::build::Profile;
use crate::setup::Scope;
use crate::usage::UsageError;
use crate::{process, tool, usage, vm};

/// A benchmark, which is a program of its own.
#[derive(Clone, Copy, Debug)]
struct Benchmark {
    /// What it is called on the command line; the first has no name there.
    name: &'static str,
    program: &'static str,
    /// What the program calls it, if it has more than one.
    part: Option<&'static str>,
    scope: Scope,
}

const BENCHMARKS: [Benchmark; 3] = [
    Benchmark { name: "", program: "bench", part: None, scope: Scope::Lab },
    Benchmark { name: "scale", program: "bench", part: Some("scale"), scope: Scope::Lab },
    Benchmark { name: "peers", program: "peers", part: None, scope: Scope::Peers },
];

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    if let Some((name, args)) = args.split_first()
        && name == "vm"
    {
        return Err(process::exec(&mut vm::bench(usage::after_separator(args))?));
    }
    let (benchmark, args) = chosen(args)?;
    let mut bench = tool::command(benchmark.program, Profile::Release, benchmark.scope)?;
    Err(process::exec(bench.args(benchmark.part).args(args)))
}

/// The benchmark that is named first, and its arguments.
fn chosen(args: &[OsString]) -> Result<(Benchmark, &[OsString]), UsageError> {
    let [unnamed, named @ ..] = BENCHMARKS;
    match args {
        [name, rest @ ..] if !name.to_string_lossy().starts_with('-') => {
            let found = named.into_iter().find(|benchmark| name == benchmark.name);
            let found = found.ok_or_else(|| UsageError::unexpected("benchmark", name))?;
            Ok((found, usage::after_separator(rest)))
        }
        _ => Ok((unnamed, usage::after_separator(args))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_benchmark_is_found_by_its_name_and_the_rest_is_for_it() {
        for (args, program, rest) in [
            (vec![], "bench", 0),
            (vec!["--", "--json", "f"], "bench", 2),
            (vec!["scale", "--rounds", "3"], "bench", 2),
            (vec!["peers"], "peers", 0),
            (vec!["peers", "--rounds", "3"], "peers", 2),
            (vec!["peers", "--", "--help"], "peers", 1),
        ] {
            let args: Vec<OsString> = args.into_iter().map(OsString::from).collect();
            let (benchmark, others) = chosen(&args).unwrap();
            assert_eq!((benchmark.program, others.len()), (program, rest), "{args:?}");
        }
        assert!(chosen(&["pears".into()]).unwrap_err().to_string().starts_with("unknown benchmark `pears`"));
    }
}
