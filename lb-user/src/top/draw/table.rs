use super::{ALARM, FAINT, graph};
use crate::control::types::Measure;
use crate::top::sheet::{Row, Sheet, Sorting, Subject};
use crate::top::view::{Tab, View};
use crate::units::number;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style, Stylize};
use ratatui::text::Text;
use ratatui::widgets::{Paragraph, Table, TableState};

/// Columns between two of the table.
const SPACE: u16 = 2;
/// Lines of the graph of what is under the cursor.
const GRAPH: u16 = 7;

/// The table, and below it how the row under the cursor went.
pub(super) fn draw(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let Some(sheet) = view.sheet() else { return };
    let under_cursor = sheet.position(view.subject());
    let subject = sheet.rows.get(under_cursor).map(|row| row.of.clone());
    let graph = if view.tab == Tab::Flows { 1 } else { GRAPH };
    let [above, below] = Layout::vertical([Constraint::Min(3), Constraint::Length(graph)]).areas(area);
    if sheet.rows.is_empty() {
        frame.render_widget(
            Paragraph::new(if view.filter.is_empty() { " none" } else { " none with this filter" }),
            above,
        );
    } else {
        let mut state = TableState::default().with_selected(under_cursor);
        frame.render_stateful_widget(table(&sheet, view.sorting(), above.width), above, &mut state);
    }
    match (view.tab, subject) {
        (Tab::Flows, _) => frame.render_widget(Paragraph::new(counted(view)).style(FAINT), below),
        (Tab::Drops, Some(Subject::Series(of))) => graph::draw(view, "dropped", Measure::Dropped, &of, frame, below),
        (_, Some(Subject::Series(of))) => {
            let [packets, new] = Layout::horizontal([Constraint::Fill(1); 2]).areas(below);
            graph::draw(view, "packets", Measure::Packets, &of, frame, packets);
            graph::draw(view, "new flows", Measure::NewFlows, &of, frame, new);
        }
        _ => {}
    }
}

fn table(sheet: &Sheet, sorting: Option<Sorting>, room: u16) -> Table<'static> {
    let titles: Vec<String> =
        sheet.columns.iter().enumerate().map(|(column, name)| title(name, column, sorting)).collect();
    let widths = fitting(&widths(sheet, &titles), room);
    let right = |column: usize| {
        sheet.rows.iter().any(|row| row.cells.get(column).is_some_and(super::super::sheet::Cell::is_number))
    };
    let text = |column: usize, text: String| {
        Text::from(text).alignment(if right(column) { Alignment::Right } else { Alignment::Left })
    };
    let row = |row: &Row| {
        let cells =
            row.cells.iter().take(widths.len()).enumerate().map(|(column, cell)| text(column, cell.text.clone()));
        let style = if row.alarming { ALARM } else { Style::new() };
        ratatui::widgets::Row::new(cells).style(style)
    };
    let header = titles.iter().take(widths.len()).enumerate().map(|(column, title)| text(column, title.clone()));
    Table::new(sheet.rows.iter().map(row), widths.iter().map(|&width| Constraint::Length(width)))
        .header(ratatui::widgets::Row::new(header).bold())
        .column_spacing(SPACE)
        .row_highlight_style(Modifier::REVERSED)
}

/// With an arrow where the table is sorted by it.
fn title(name: &str, column: usize, sorting: Option<Sorting>) -> String {
    match sorting.filter(|sorting| sorting.column == column) {
        Some(Sorting { descending: true, .. }) => format!("{name} v"),
        Some(_) => format!("{name} ^"),
        None => name.to_owned(),
    }
}

/// As wide as the widest of each column's texts.
fn widths(sheet: &Sheet, titles: &[String]) -> Vec<u16> {
    let width = |text: &str| text.chars().count() as u16;
    let column = |(column, title): (usize, &String)| {
        let cells = sheet.rows.iter().filter_map(|row| row.cells.get(column)).map(|cell| width(&cell.text));
        cells.fold(width(title), u16::max)
    };
    titles.iter().enumerate().map(column).collect()
}

/// As many of the columns as there is room for; the first one in any case.
fn fitting(widths: &[u16], room: u16) -> Vec<u16> {
    let mut used = 0_u16;
    let fits = |width: &&u16| {
        used = used.saturating_add(**width);
        let fits = used <= room;
        used = used.saturating_add(SPACE);
        fits
    };
    let fitting: Vec<u16> = widths.iter().take_while(fits).copied().collect();
    if fitting.is_empty() { widths.iter().take(1).map(|&width| width.min(room)).collect() } else { fitting }
}

fn counted(view: &View) -> String {
    match &view.flows {
        None => " asking for the flows".to_owned(),
        Some(list) => format!(" {} of {} flows", number(list.flows.len() as u64), number(list.matched)),
    }
}
