use super::{Args, conclude, load, percent, say, set_up};
use crate::cli::USAGE;
use crate::cli::output::{number, table};
use crate::lab::report::JsonFile;
use crate::lab::sessions::{CaseReport, Costs, Sessions, SessionsReport};
use std::fmt::{self, Display, Formatter};
use std::process::ExitCode;
use std::time::Duration;

/// Fails unless every connection was made.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let duration = args.duration.unwrap_or(Sessions::DEFAULT_DURATION);
    let shortest = Sessions::SHORTEST * args.rounds;
    if duration < shortest {
        let (duration, shortest) = (humantime::format_duration(duration), shortest.as_secs());
        eprintln!("handoff lab: --duration {duration}: use {shortest}s or more, a second for each case and round");
        return Ok(ExitCode::from(USAGE));
    }
    let json = args.json.as_deref().map(JsonFile::at).transpose()?;
    let stage = set_up(args)?;
    let experiment = Sessions { duration, rounds: args.rounds, load: load(args, Sessions::DEFAULT_LOAD) };
    let report = experiment.run(&stage, |case| say(&format!("{}\n", line(case))))?;
    say(&format!("\n{}\n", Text(&report)));
    if let Some(json) = json {
        json.write(&report)?;
    }
    stage.take_down()?;
    Ok(conclude(&report.problems()))
}

/// A case that is done.
fn line(case: &CaseReport) -> String {
    let (full, resumed, errors) = (number(case.full), number(case.resumed), number(case.errors));
    format!("{}: {full} full, {resumed} resumed, {errors} failed", case.case)
}

/// A report for people.
struct Text<'a>(&'a SessionsReport);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let SessionsReport { vip, servers, case_s, rounds, rotation_s, .. } = self.0;
        writeln!(f, "Sessions of https://{vip} on {servers} servers, {rounds} x {case_s:.1} s for each case\n")?;
        writeln!(f, "{}\n", table_of_cases(&self.0.cases))?;
        writeln!(
            f,
            "REUSED is of the connections of clients that had a session. CPU is the server's processor time for TLS alone,"
        )?;
        writeln!(f, "without reading and writing. Shared keys are rotated every {rotation_s:.1} s.\n")?;
        write!(f, "{}", table_of_costs(self.0.costs()))
    }
}

fn table_of_cases(cases: &[CaseReport]) -> String {
    let columns = [
        "KEY",
        "VERSION",
        "SESSIONS",
        "FULL>",
        "RESUMED>",
        "REUSED>",
        "HANDSHAKES/S>",
        "CPU FULL>",
        "CPU RESUMED>",
        "CPU MEAN>",
        "MAX/MEAN>",
        "JAIN>",
        "FAILED>",
    ];
    let rows = cases.iter().map(|case| {
        vec![
            case.case.key.to_string(),
            case.case.version.to_string(),
            case.case.scheme.to_string(),
            number(case.full),
            number(case.resumed),
            or_dash(case.resumed_share, percent),
            format!("{:.0}", case.handshakes_per_s),
            or_dash(case.full_cpu_us, microseconds),
            or_dash(case.resumed_cpu_us, microseconds),
            or_dash(case.cpu_us, microseconds),
            format!("{:.3}", case.fairness.max_over_mean),
            format!("{:.3}", case.fairness.jain),
            number(case.errors),
        ]
    });
    table(&columns, rows)
}

fn table_of_costs(costs: impl Iterator<Item = Costs>) -> String {
    let columns = ["KEY", "VERSION", "FULL>", "RESUMED>", "RATIO>", "FULL/S AND CORE>", "RESUMED/S AND CORE>"];
    let a_second = |us: f64| number((Duration::from_secs(1).as_micros() as f64 / us) as u64);
    let rows = costs.map(|cost| {
        vec![
            cost.key.to_string(),
            cost.version.to_string(),
            microseconds(cost.full_us),
            microseconds(cost.resumed_us),
            format!("{:.2}", cost.ratio()),
            a_second(cost.full_us),
            a_second(cost.resumed_us),
        ]
    });
    table(&columns, rows)
}

fn or_dash(value: Option<f64>, shown: fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), shown)
}

fn microseconds(value: f64) -> String {
    format!("{value:.1} us")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::sessions::tests::report;

    #[test]
    fn a_report_has_a_row_for_each_case_and_one_for_each_cost() {
        let text = Text(&report()).to_string();
        let lines: Vec<_> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in [
            "Sessions of https://198.18.255.1:443 on 3 servers, 1 x 1.0 s for each case",
            "RSA-2048 TLS 1.2 no reuse 300 0 0.00 % 300 600.0 us - 600.0 us 1.000 1.000 0",
            "P-256 TLS 1.3 shared keys 20 280 100.00 % 300 610.0 us 60.0 us 96.7 us 1.000 1.000 0",
            "P-256 TLS 1.3 shared keys, naive 100 200 71.43 % 300 610.0 us 60.0 us 243.3 us 1.500 0.857 0",
            "RSA-2048 TLS 1.2 600.0 us 60.0 us 10.00 1,666 16,666",
        ] {
            assert!(lines.iter().any(|it| it == line), "no {line} in\n{text}");
        }
        let rows = lines.iter().filter(|line| line.starts_with("RSA-2048") || line.starts_with("P-256"));
        assert_eq!(rows.count(), 24 + 4);
    }

    #[test]
    fn a_case_that_is_done_has_a_line() {
        assert_eq!(line(&report().cases[4]), "RSA-2048, TLS 1.2: shared keys: 20 full, 280 resumed, 0 failed");
    }
}
