use maud::{Markup, html};
use std::time::{Duration, SystemTime};

/// All lengths are in units of the drawing, which is scaled to the page.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 210.0;
/// Where the values are drawn: right of their scale, above the moments.
const LEFT: f64 = 90.0;
const BOTTOM: f64 = 180.0;
const TOP: f64 = 10.0;
/// A line of the legend.
const ROW: f64 = 18.0;
/// More points than that cannot be told apart; neighbours become their mean.
const MOST_POINTS: usize = 600;
/// As many looks as a line can have (page.css).
const LOOKS: usize = 6;

/// A graph of how values went, a line each.
pub(super) struct Lines {
    /// What it shows, with the unit.
    pub(super) title: &'static str,
    /// What should be known about it.
    pub(super) caption: &'static str,
    /// The first moment, in seconds since 1970, and the seconds between two.
    pub(super) start_unix_s: u64,
    pub(super) step_s: u64,
    /// A value with its unit.
    pub(super) text: fn(f64) -> String,
    pub(super) lines: Vec<Line>,
}

/// How one value went; `None` where it is not known.
pub(super) struct Line {
    pub(super) label: String,
    pub(super) values: Vec<Option<f64>>,
}

impl Lines {
    /// The graph; what there is no value of at all is left out.
    pub(super) fn draw(&self) -> Markup {
        let known: Vec<&Line> = self.lines.iter().filter(|line| line.values.iter().any(Option::is_some)).collect();
        let height = HEIGHT + known.len() as f64 * ROW;
        let most = known
            .iter()
            .flat_map(|line| line.values.iter().flatten())
            .fold(f64::MIN_POSITIVE, |most, &value| most.max(value));
        let moments = self.lines.iter().map(|line| line.values.len()).max().unwrap_or_default();
        html! {
            figure {
                h2 { (self.title) }
                @if known.is_empty() {
                    p.note { "Nothing is known of that time." }
                } @else {
                    svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(self.title)
                        viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) {
                        @for (share, value) in [(0.0, 0.0), (0.5, most / 2.0), (1.0, most)] {
                            @let y = BOTTOM - share * (BOTTOM - TOP);
                            line x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                            text.scale x=(LEFT - 8.0) y=(y + 4.0) { ((self.text)(value)) }
                        }
                        text x=(LEFT) y=(BOTTOM + 18.0) { (self.moment(0)) }
                        text.scale x=(WIDTH) y=(BOTTOM + 18.0) { (self.moment(moments.saturating_sub(1))) }
                        @for (index, line) in known.iter().enumerate() {
                            @let look = format!("line look-{}", index % LOOKS);
                            (line.draw(&look, most))
                            @let y = HEIGHT + index as f64 * ROW;
                            polyline class=(look) points=(format!("{LEFT},{y} {},{y}", LEFT + 30.0)) {}
                            text x=(LEFT + 38.0) y=(y + 4.0) { (line.label) ": " (line.summary(self.text)) }
                        }
                    }
                }
                figcaption { (self.caption) }
            }
        }
    }

    fn moment(&self, number: usize) -> String {
        let moment = Duration::from_secs(self.start_unix_s.saturating_add(self.step_s.saturating_mul(number as u64)));
        let moment = SystemTime::UNIX_EPOCH.checked_add(moment).unwrap_or(SystemTime::UNIX_EPOCH);
        humantime::format_rfc3339_seconds(moment).to_string()
    }
}

impl Line {
    /// A piece for each stretch of known values; a value between unknown ones is a dot.
    fn draw(&self, look: &str, most: f64) -> Markup {
        let points = thinned(&self.values);
        let step = (WIDTH - LEFT) / points.len().saturating_sub(1).max(1) as f64;
        let place = |(index, value): (usize, Option<f64>)| {
            value.map(|value| (LEFT + index as f64 * step, BOTTOM - (value.max(0.0) / most).min(1.0) * (BOTTOM - TOP)))
        };
        let places: Vec<Option<(f64, f64)>> = points.into_iter().enumerate().map(place).collect();
        html! {
            @for stretch in places.split(Option::is_none).filter(|stretch| !stretch.is_empty()) {
                @if let [Some((x, y))] = stretch {
                    circle class=(look) cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="2" {}
                } @else {
                    @let points = stretch.iter().flatten().map(|(x, y)| format!("{x:.1},{y:.1}"));
                    polyline class=(look) points=(points.collect::<Vec<_>>().join(" ")) {}
                }
            }
        }
    }

    /// What it was on average, at most, and at last.
    fn summary(&self, text: fn(f64) -> String) -> String {
        let known: Vec<f64> = self.values.iter().flatten().copied().collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        let most = known.iter().copied().fold(0.0, f64::max);
        let last = known.last().copied().unwrap_or_default();
        format!("mean {}, at most {}, at last {}", text(mean), text(most), text(last))
    }
}

/// No more than [`MOST_POINTS`] of them: means of neighbours, as far as they are known.
fn thinned(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let together = values.len().div_ceil(MOST_POINTS).max(1);
    let mean = |some: &[Option<f64>]| {
        let known = some.iter().flatten();
        let count = known.clone().count();
        (count > 0).then(|| known.sum::<f64>() / count as f64)
    };
    values.chunks(together).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: Vec<Option<f64>>) -> String {
        let lines = vec![Line { label: "a < b".to_owned(), values }];
        let text = |value: f64| format!("{value:.0}/s");
        Lines { title: "packets", caption: "half", start_unix_s: 0, step_s: 1, text, lines }.draw().into_string()
    }

    #[test]
    fn values_are_points_and_gaps_are_gaps() {
        let svg = drawn(vec![Some(0.0), Some(10.0), None, Some(5.0), None]);
        assert!(svg.contains("points=\"90.0,180.0 257.5,10.0\""), "{svg}");
        assert!(svg.contains("<circle class=\"line look-0\" cx=\"592.5\" cy=\"95.0\""), "{svg}");
        assert!(svg.contains("a &lt; b: mean 5/s, at most 10/s, at last 5/s"), "{svg}");
        assert!(svg.contains("1970-01-01T00:00:00Z") && svg.contains("1970-01-01T00:00:04Z"), "{svg}");
    }

    #[test]
    fn nothing_known_is_said() {
        for values in [vec![], vec![None; 3]] {
            let page = drawn(values);
            assert!(page.contains("Nothing is known") && !page.contains("<svg"), "{page}");
        }
    }

    #[test]
    fn a_long_time_has_no_more_points_than_fit() {
        let values = (0..10_080).map(|minute| (minute != 17).then_some(2.0));
        let thinned = thinned(&values.collect::<Vec<_>>());
        assert!(thinned.len() <= MOST_POINTS && thinned.iter().all(|value| *value == Some(2.0)));
    }

    #[test]
    fn values_that_cannot_be_stay_in_the_graph() {
        for value in [0.0, -5.0, f64::MAX, f64::MIN] {
            let svg = drawn(vec![Some(value), Some(1.0)]);
            assert!(!svg.contains("NaN") && !svg.contains("inf,") && !svg.contains(",-"), "{value}: {svg}");
        }
    }
}
