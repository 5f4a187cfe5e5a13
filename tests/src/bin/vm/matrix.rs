//! The tables of docs/kernels.md.

use crate::transcript::Transcript;
use lb_tests::figures::Table;
use lb_tests::programs::Loaded;

/// A kernel.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) title: String,
    /// What ran its instructions.
    pub(crate) by: String,
    pub(crate) transcript: Transcript,
}

/// All tables.
pub(crate) fn section(columns: &[Column]) -> String {
    let tests = tests(columns);
    let verified = programs(columns, |program| program.verified.to_string());
    let sizes = programs(columns, |program| format!("{} / {}", program.bytes, program.machine_bytes));
    format!(
        "Tests that passed, of those that ran:\n\n{tests}\n\
         Instructions that the verifier looked at, of the million that it allows:\n\n{verified}\n\
         Bytes of each program as the kernel keeps it, and as machine code:\n\n{sizes}"
    )
}

fn tests(columns: &[Column]) -> Table {
    let mut table =
        Table::new(&["Linux", "run by", "packet vectors", "decapsulator", "in namespaces", "seconds for all"]);
    for Column { title, by, transcript } in columns.iter().filter(|column| !column.transcript.steps.is_empty()) {
        let of = |name| {
            transcript
                .done(name)
                .map_or(String::new(), |step| format!("{} of {}", step.passed, step.passed + step.failed))
        };
        let seconds: f64 = transcript.steps.iter().map(|step| step.time.as_secs_f64()).sum();
        let cells = [title.clone(), by.clone(), of("vectors"), of("decap"), of("smoke"), format!("{seconds:.0}")];
        table.row(cells);
    }
    table
}

/// A row for each program, with what `figure` says of it on each kernel.
fn programs(columns: &[Column], figure: impl Fn(&Loaded) -> String) -> Table {
    let heads: Vec<String> = columns.iter().map(|column| format!("Linux {}", column.title)).collect();
    let mut table = Table::new(&[&["program"], &heads.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
    let known = columns.first().map_or(&[][..], |column| &column.transcript.programs);
    let mut names: Vec<_> = known.iter().map(|program| (&program.object, &program.name)).collect();
    names.sort();
    for (object, name) in names {
        let cell = |column: &Column| {
            let of_name = |program: &&Loaded| program.object == *object && program.name == *name;
            column.transcript.programs.iter().find(of_name).map_or("refused".to_owned(), &figure)
        };
        let first = if object == name { format!("`{name}`") } else { format!("`{object}`: `{name}`") };
        table.row([first].into_iter().chain(columns.iter().map(cell)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(title: &str, lines: &[&str]) -> Column {
        let mut transcript = Transcript::default();
        for line in lines {
            transcript.hear(line);
        }
        Column { title: title.to_owned(), by: "emulation".to_owned(), transcript }
    }

    #[test]
    fn every_program_has_a_figure_for_every_kernel() {
        let loaded = r#"[{"object":"decap","name":"handoff_decap","verified":7,"bytes":8,"machine_bytes":9}]"#;
        let vectors = ["vm: begin vectors", "test result: ok. 5 passed; 1 failed; 0 ignored", "vm: end vectors 101"];
        let section = section(&[column("6.18", &[loaded]), column("6.1", &[&vectors[..], &[loaded]].concat())]);
        for line in [
            "| `decap`: `handoff_decap` | 7 | 7 |",
            "| `decap`: `handoff_decap` | 8 / 9 | 8 / 9 |",
            "| 6.1 | emulation | 5 of 6 |  |  | 0 |",
        ] {
            assert!(section.contains(line), "{line} is missing:\n{section}");
        }
        assert!(!section.contains("| 6.18 | emulation"), "nothing was tested there:\n{section}");
    }

    #[test]
    fn a_program_that_is_not_there_was_refused() {
        let loaded = r#"[{"object":"decap","name":"handoff_decap","verified":7,"bytes":8,"machine_bytes":9}]"#;
        let section = section(&[column("6.18", &[loaded]), column("6.1", &[])]);
        assert!(section.contains("| `decap`: `handoff_decap` | 7 | refused |"), "{section}");
    }
}
