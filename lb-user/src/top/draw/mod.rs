//! The screen: what is where. Everything fits into 80 columns and 24 lines; more room shows more.

mod dialog;
mod graph;
mod overview;
mod table;

use super::view::{Mode, Tab, View};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use std::time::Duration;

/// What stands out, what is a matter of concern, and what is less important. Without colours, weight and reversal are left.
const ACCENT: Style = Style::new().fg(Color::Cyan);
const ALARM: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);

/// Draws the view.
pub fn draw(view: &View, frame: &mut Frame<'_>) {
    let rows = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(1),
    ];
    let [header, tabs, body, note, keys] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(self::header(view), header);
    frame.render_widget(self::tabs(view.tab), tabs);
    match view.tab {
        Tab::Overview => overview::draw(view, frame, body),
        _ => table::draw(view, frame, body),
    }
    frame.render_widget(self::note(view), note);
    frame.render_widget(self::keys(view), keys);
    match &view.mode {
        Mode::Help => dialog::help(frame),
        Mode::Confirm(request) => dialog::confirm(request, frame),
        Mode::Browse | Mode::Filter => {}
    }
}

/// Who is asked, and how it is.
fn header(view: &View) -> Line<'_> {
    if let Some(reason) = &view.lost {
        return Line::styled(format!(" the agent is gone, asking again: {reason}"), ALARM);
    }
    let status = &view.snapshot.status;
    let uptime = humantime::format_duration(Duration::from_secs(coarse(status.uptime_s)));
    let text = format!(
        " handoff {}  up {uptime}  generation {}  {} of {} back-ends ready",
        status.version, status.generation, status.ready, status.backends
    );
    let style = if status.failure.is_some() || status.ready < status.backends { ALARM } else { Style::new().bold() };
    Line::styled(text, style)
}

/// Seconds without those that do not matter any more.
fn coarse(seconds: u64) -> u64 {
    const HOUR: u64 = 3_600;
    let step = match seconds {
        0..HOUR => 1,
        HOUR..86_400 => 60,
        _ => HOUR,
    };
    seconds - seconds % step
}

fn tabs(shown: Tab) -> Line<'static> {
    let tab = |(number, tab): (usize, Tab)| {
        let text = format!(" {} {} ", number + 1, tab.title());
        if tab == shown { text.reversed() } else { text.into() }
    };
    Tab::ALL.into_iter().enumerate().map(tab).collect()
}

/// What the operator should know: what came of an order, why the agent cannot follow, or else what the numbers do not show.
fn note(view: &View) -> Line<'_> {
    match (&view.notice, &view.snapshot.status.failure) {
        (Some(notice), _) => Line::styled(format!(" {notice}"), ALARM),
        (None, Some(failure)) => Line::styled(format!(" {failure}"), ALARM),
        (None, None) => Line::styled(" clients' half only: back-ends answer the clients directly (DSR)", FAINT),
    }
}

fn keys(view: &View) -> Line<'_> {
    if view.mode == Mode::Filter || !view.filter.is_empty() {
        let cursor = if view.mode == Mode::Filter { "_  Enter: keep  Esc: clear" } else { "  Esc: clear" };
        return Line::from(vec![Span::raw(" filter: "), Span::styled(&view.filter, ACCENT), Span::raw(cursor)]);
    }
    let keys = match view.tab {
        Tab::Overview => " ? help  1-5 tab  q quit",
        Tab::Backends => " ? help  / filter  < > sort  r reverse  d drain  u undrain  q quit",
        _ => " ? help  / filter  < > sort  r reverse  q quit",
    };
    Line::from(keys)
}

/// An area in the midst of the screen, no larger than that.
fn centred(area: Rect, width: u16, height: u16) -> Rect {
    area.centered(Constraint::Max(width), Constraint::Max(height))
}

#[cfg(test)]
mod tests;
