use super::{ACCENT, FAINT};
use crate::control::types::{Measure, SeriesOf};
use crate::top::sheet::per_second;
use crate::top::view::View;
use crate::units::{bytes, number};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, RenderDirection, Sparkline};

/// How a measure went, the latest second at the right; above it what it is now and what it was at most, with units.
pub(super) fn draw(view: &View, name: &str, measure: Measure, of: &SeriesOf, frame: &mut Frame<'_>, area: Rect) {
    let columns = usize::from(area.width.saturating_sub(2));
    let values: Vec<_> = view.histories.latest(measure, of).take(columns).collect();
    let most = values.iter().flatten().fold(0.0, |most: f64, &value| most.max(value));
    let now = view.measured.get(measure, of);
    let title = format!(" {name} {}, at most {} ", text(measure, now), text(measure, Some(most)));
    let bars = values.iter().map(|value| value.map(|value| value.round() as u64));
    let sparkline = Sparkline::default()
        .block(Block::bordered().border_style(FAINT).title(title))
        .direction(RenderDirection::RightToLeft)
        .absent_value_symbol(" ")
        .max((most.ceil() as u64).max(1))
        .style(ACCENT)
        .data(bars.collect::<Vec<_>>());
    frame.render_widget(sparkline, area);
}

fn text(measure: Measure, value: Option<f64>) -> String {
    match measure {
        Measure::Bytes => per_second(value, bytes),
        Measure::LiveFlows | Measure::Ready => value.map_or_else(|| "-".to_owned(), |value| number(value as u64)),
        Measure::Packets | Measure::NewFlows | Measure::Dropped => per_second(value, number),
    }
}
