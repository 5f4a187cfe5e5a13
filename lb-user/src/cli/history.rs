use super::output::{self, number};
use super::{Asking, wait};
use crate::control::types::{History, HistoryRequest, Measure, Series, SeriesOf};
use clap::ValueEnum;
use std::process::ExitCode;
use std::time::Duration;

/// How things went: by seconds for the last hour, by minutes for the last week. Rates are per second, and of the clients' half of the traffic.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff history --since 1h --measure new-flows\n  handoff history --since 2days --service web --json"
)]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// How far back, as 5m, 1h or 2days; up to an hour by seconds.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    since: Duration,
    /// Only this measure.
    #[arg(long)]
    measure: Option<Measure>,
    /// Only this service and its back-ends.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { asking, since, measure, service } = args;
    let request = HistoryRequest { since_s: since.as_secs(), measure, service };
    let history = wait(asking.client().history(&request))??;
    output::print(asking.json, &history, table)
}

fn table(history: &History) -> String {
    let rows = history.series.iter().map(|series| {
        let known = || series.values.iter().flatten().copied();
        let mean = known().sum::<f64>() / known().count().max(1) as f64;
        let last = series.values.last().copied().flatten();
        vec![
            of(&series.of),
            measure(series.measure),
            value(known().reduce(f64::min)),
            value(Some(mean)),
            value(known().reduce(f64::max)),
            value(last),
            sparkline(series),
        ]
    });
    let mut text = output::table(&["OF", "MEASURE", "MIN>", "MEAN>", "MAX>", "LAST>", "HISTORY"], rows);
    if history.left_out > 0 {
        text += &format!("\n{} series are left out: there is no room for them", number(history.left_out as u64));
    }
    text
}

fn of(of: &SeriesOf) -> String {
    match of {
        SeriesOf::All => "all".to_owned(),
        SeriesOf::Protocol { protocol } => protocol.clone(),
        SeriesOf::Application { application } => application.clone(),
        SeriesOf::Reason { reason } => reason.clone(),
        SeriesOf::Service { service } => service.clone(),
        SeriesOf::Backend { service, backend } => format!("{service}/{backend}"),
    }
}

fn measure(measure: Measure) -> String {
    let name = measure.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    match measure {
        Measure::LiveFlows | Measure::Ready => name,
        _ => name + "/s",
    }
}

fn value(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 100.0 => number(value.round() as u64),
        Some(value) => format!("{value:.1}"),
    }
}

/// The values, as many after each other as there is room for, up to the highest of them; nothing where they are not known.
fn sparkline(series: &Series) -> String {
    const WIDTH: usize = 40;
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let means = |values: &[Option<f64>]| {
        let known = || values.iter().flatten();
        (known().count() > 0).then(|| known().sum::<f64>() / known().count() as f64)
    };
    let means: Vec<_> = series.values.chunks(series.values.len().div_ceil(WIDTH).max(1)).map(means).collect();
    let highest = means.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |mean: Option<f64>| match mean {
        None => ' ',
        Some(_) if highest == 0.0 => BARS[0],
        Some(mean) => BARS[((mean / highest * (BARS.len() - 1) as f64).round() as usize).min(BARS.len() - 1)],
    };
    means.into_iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: &[Option<f64>]) -> History {
        let series = Series { measure: Measure::NewFlows, of: SeriesOf::All, values: values.to_vec() };
        History { start_unix_s: 0, step_s: 1, series: vec![series], left_out: 0 }
    }

    #[test]
    fn a_series_is_a_line_with_a_picture() {
        let text = table(&history(&[Some(0.0), None, Some(700.0), Some(1_400.0)]));
        let expected = "\
OF   MEASURE      MIN  MEAN    MAX   LAST  HISTORY
all  new-flows/s  0.0   700  1,400  1,400  ▁ ▅█";
        assert_eq!(text, expected);
    }

    #[test]
    fn long_histories_are_drawn_as_means() {
        let values: Vec<_> = (0..3_600).map(|second| Some(if second < 1_800 { 1.0 } else { 2.0 })).collect();
        let [series] = &history(&values).series[..] else { unreachable!("there is one") };
        assert_eq!(sparkline(series), "▅".repeat(20) + &"█".repeat(20));
        assert_eq!(sparkline(&history(&[Some(0.0); 3]).series[0]), "▁▁▁");
    }
}
