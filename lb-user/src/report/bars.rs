use maud::{Markup, html};

/// All lengths are in units of the drawing, which is scaled to the page.
const WIDTH: f64 = 760.0;
const LABELS: f64 = 190.0;
const LONGEST_BAR: f64 = 430.0;
const ROW: f64 = 22.0;
const BAR: f64 = 15.0;
/// From the top of a row to the foot of its letters.
const BASELINE: f64 = 15.0;

/// A graph of horizontal bars, in groups.
pub(super) struct Bars {
    /// What it shows, with the unit.
    pub(super) title: &'static str,
    /// What should be known about it.
    pub(super) caption: &'static str,
    /// A value that the others are to be compared with.
    pub(super) reference: Option<f64>,
    pub(super) groups: Vec<Group>,
}

/// Bars that belong together.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) bars: Vec<Bar>,
}

/// One bar.
pub(super) struct Bar {
    pub(super) label: String,
    /// How long it is; values below zero, and those that are not there, have none.
    pub(super) value: Option<f64>,
    /// What is written at its end: the value with its unit.
    pub(super) text: String,
    pub(super) colour: Colour,
}

/// What a colour means.
#[derive(Clone, Copy)]
pub(super) enum Colour {
    Plain,
    Good,
    Bad,
}

impl Bars {
    /// The graph.
    pub(super) fn draw(&self) -> Markup {
        let rows: usize = self.groups.iter().map(|group| group.bars.len() + 1).sum();
        let height = rows as f64 * ROW;
        let (mut top, scale) = (0.0, LONGEST_BAR / self.largest());
        let mut next_row = || {
            top += ROW;
            top - ROW
        };
        html! {
            figure {
                h2 { (self.title) }
                svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(self.title)
                    viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) {
                    @for group in &self.groups {
                        text.group x="0" y=(next_row() + BASELINE) { (group.name) }
                        @for bar in &group.bars { (bar.draw(next_row(), scale)) }
                    }
                    @if let Some(reference) = self.reference {
                        @let x = LABELS + reference * scale;
                        line x1=(x) x2=(x) y1="0" y2=(height) {}
                    }
                }
                figcaption { (self.caption) }
            }
        }
    }

    /// The value of the longest bar.
    fn largest(&self) -> f64 {
        let values = self.groups.iter().flat_map(|group| &group.bars).filter_map(|bar| bar.value);
        values.chain(self.reference).fold(f64::MIN_POSITIVE, f64::max)
    }
}

impl Bar {
    fn draw(&self, top: f64, scale: f64) -> Markup {
        let length = (self.value.unwrap_or_default().max(0.0) * scale).min(LONGEST_BAR);
        html! {
            text x="12" y=(top + BASELINE) { (self.label) }
            rect class=(self.colour.class()) x=(LABELS) y=(top + (ROW - BAR) / 2.0) width=(format!("{length:.1}")) height=(BAR) {}
            text x=(format!("{:.1}", LABELS + length + 8.0)) y=(top + BASELINE) { (self.text) }
        }
    }
}

impl Colour {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: &[Option<f64>], reference: Option<f64>) -> String {
        let bar = |&value| Bar { label: "a < b".to_owned(), value, text: "5 us".to_owned(), colour: Colour::Good };
        let groups = vec![Group { name: "all".to_owned(), bars: values.iter().map(bar).collect() }];
        Bars { title: "time, us", caption: "", reference, groups }.draw().into_string()
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let svg = drawn(&[Some(5.0), Some(10.0), None], None);
        for width in ["215.0", "430.0", "0.0"] {
            assert!(svg.contains(&format!("width=\"{width}\" height=\"15\"")), "{width}: {svg}");
        }
        assert!(svg.contains("viewBox=\"0 0 760 88\"") && !svg.contains("<line"), "{svg}");
        assert!(svg.contains("a &lt; b"), "{svg}");
    }

    #[test]
    fn a_reference_is_among_the_values() {
        let svg = drawn(&[Some(0.5)], Some(1.0));
        assert!(svg.contains("<line x1=\"620\" x2=\"620\"") && svg.contains("width=\"215.0\""), "{svg}");
    }

    #[test]
    fn values_that_cannot_be_stay_in_the_graph() {
        for value in [0.0, -5.0, f64::MAX, f64::MIN] {
            let svg = drawn(&[Some(value)], None);
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("width=\"-"), "{value}: {svg}");
        }
    }
}
