//! Tables for people, JSON for programs. Colours come with the text, and are taken out where there is no terminal.

pub(super) use crate::units::{bytes, number};
use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::{self, Write};
use std::process::ExitCode;

/// Prints `answer` as JSON, or as `table` makes it.
pub(super) fn print<T: Serialize>(
    json: bool,
    answer: &T,
    table: impl FnOnce(&T) -> String,
) -> anyhow::Result<ExitCode> {
    let text = if json { serde_json::to_string_pretty(answer)? } else { table(answer) };
    match writeln!(anstream::stdout(), "{text}") {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => Ok(written.map(|()| ExitCode::SUCCESS)?),
    }
}

/// A row of a table.
pub(super) struct Row {
    cells: Vec<String>,
    style: Style,
}

impl From<Vec<String>> for Row {
    fn from(cells: Vec<String>) -> Self {
        Self { cells, style: Style::new() }
    }
}

impl Row {
    /// A row that somebody should look at, if `alarming`.
    pub(super) fn marked(cells: Vec<String>, alarming: bool) -> Self {
        let style = if alarming { AnsiColor::Yellow.on_default() } else { Style::new() };
        Self { cells, style }
    }
}

/// A table with a column for each of `columns`; those that end in `>` are aligned to the right.
pub(super) fn table<R: Into<Row>>(columns: &[&str], rows: impl Iterator<Item = R>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.trim_end_matches('>')));
    for (column, name) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        if name.ends_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut styles = vec![Style::new()];
    for row in rows {
        let Row { cells, style } = row.into();
        table.add_row(cells);
        styles.push(style);
    }
    let lines = table.lines().zip(styles).map(|(line, style)| format!("{style}{}{style:#}", line.trim_end()));
    lines.collect::<Vec<_>>().join("\n")
}
