use super::{ALARM, centred};
use crate::control::types::OverrideRequest;
use ratatui::Frame;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

const HELP: [&str; 15] = [
    "1 to 5, Tab, ← →     another tab",
    "↑ ↓, j k, PgUp PgDn  another row",
    "Home End, g G        the first or last row",
    "< >                  sort by another column",
    "r                    the other way round",
    "/                    show rows with this text only",
    "Esc                  all rows again",
    "d                    drain the back-end: no new flows",
    "u                    undrain it",
    "?, F1                this help",
    "q, F10, Ctrl-C       quit",
    "",
    "Columns without ALL are those of the last second. The numbers",
    "are those of what clients send: back-ends answer the clients",
    "directly, so that the balancer does not see it (DSR).",
];

pub(super) fn help(frame: &mut Frame<'_>) {
    let area = centred(frame.area(), 66, HELP.len() as u16 + 2);
    frame.render_widget(Clear, area);
    let text = HELP.map(|line| Line::from(format!(" {line}"))).to_vec();
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(" keys ")), area);
}

pub(super) fn confirm(request: &OverrideRequest, frame: &mut Frame<'_>) {
    let area = centred(frame.area(), 60, 5);
    frame.render_widget(Clear, area);
    let of = request.service.as_ref().map_or_else(String::new, |service| format!(" of {service}"));
    let question = format!("{} {}{of}? y: yes, any other key: no", request.verb, request.backend);
    let block = Block::bordered().border_style(ALARM);
    frame.render_widget(Paragraph::new(question).centered().wrap(Wrap { trim: true }).block(block), area);
}
