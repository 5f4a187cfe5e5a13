use crate::control::types::SeriesOf;
use crate::units::{bytes, number, percent};
use std::cmp::Ordering;

/// A table that can be sorted and filtered. The most telling columns come first: a narrow terminal has no room for the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sheet {
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Row>,
}

/// A row, and what it is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) of: Subject,
    pub(super) cells: Vec<Cell>,
    /// Whether somebody should look at it.
    pub(super) alarming: bool,
}

/// What a row is about: it stays the same while the row moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Something that has a history.
    Series(SeriesOf),
    /// A flow, by its 5-tuple.
    Flow(String),
}

/// What is in a column: the text, and what it is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// `None` for a text, which goes by the alphabet, and is aligned to the left.
    value: Option<f64>,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), value: None }
    }

    pub(super) fn count(count: u64) -> Self {
        Self { text: number(count), value: Some(count as f64) }
    }

    pub(super) fn bytes(count: u64) -> Self {
        Self { text: bytes(count), value: Some(count as f64) }
    }

    pub(super) fn share(share: f64) -> Self {
        Self { text: percent(share), value: Some(share) }
    }

    pub(super) fn seconds(seconds: u64) -> Self {
        Self { text: format!("{seconds} s"), value: Some(seconds as f64) }
    }

    /// So many a second, if that is known.
    pub(super) fn rate(rate: Option<f64>) -> Self {
        Self { text: per_second(rate, number), value: Some(rate.unwrap_or(-1.0)) }
    }

    /// So many bytes a second.
    pub(super) fn byte_rate(rate: Option<f64>) -> Self {
        Self { text: per_second(rate, bytes), value: Some(rate.unwrap_or(-1.0)) }
    }

    /// Whether it is aligned to the right.
    pub(super) fn is_number(&self) -> bool {
        self.value.is_some()
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self.value, other.value) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => self.text.cmp(&other.text),
        }
    }
}

/// A rate with its unit, or a dash while it is not known.
pub(super) fn per_second(rate: Option<f64>, text: impl Fn(u64) -> String) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| text(rate.round() as u64) + "/s")
}

/// By what a sheet is sorted: a column, and which end comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sorting {
    pub(super) column: usize,
    pub(super) descending: bool,
}

impl Sheet {
    /// Leaves rows that have `filter` in one of their cells, whatever the case of its letters, and sorts them. Rows that are equal stay in
    /// the order in which they were configured.
    pub(super) fn arrange(&mut self, filter: &str, sorting: Option<Sorting>) {
        let wanted = filter.to_lowercase();
        self.rows.retain(|row| row.cells.iter().any(|cell| cell.text.to_lowercase().contains(&wanted)));
        let Some(Sorting { column, descending }) = sorting else { return };
        self.rows.sort_by(|a, b| {
            let order = a.cells.get(column).zip(b.cells.get(column)).map_or(Ordering::Equal, |(a, b)| a.order(b));
            if descending { order.reverse() } else { order }
        });
    }

    /// Where the row about `subject` is; the first one if it is not there any more.
    pub(super) fn position(&self, subject: Option<&Subject>) -> usize {
        self.rows.iter().position(|row| Some(&row.of) == subject).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let row = |name: &str, count| Row {
            of: Subject::Flow(name.to_owned()),
            cells: vec![Cell::text(name), Cell::count(count)],
            alarming: false,
        };
        Sheet { columns: vec!["NAME", "COUNT"], rows: vec![row("Beta", 9), row("alpha", 10_000), row("gamma", 9)] }
    }

    fn arranged(filter: &str, sorting: Option<(usize, bool)>) -> Vec<String> {
        let mut sheet = sheet();
        sheet.arrange(filter, sorting.map(|(column, descending)| Sorting { column, descending }));
        sheet.rows.into_iter().map(|row| row.cells[0].text.clone()).collect()
    }

    #[test]
    fn numbers_are_sorted_by_value_and_texts_by_letters() {
        assert_eq!(arranged("", None), ["Beta", "alpha", "gamma"]);
        assert_eq!(arranged("", Some((0, false))), ["Beta", "alpha", "gamma"]);
        assert_eq!(arranged("", Some((1, false))), ["Beta", "gamma", "alpha"]);
        assert_eq!(arranged("", Some((1, true))), ["alpha", "Beta", "gamma"]);
        assert_eq!(arranged("", Some((7, true))), ["Beta", "alpha", "gamma"]);
    }

    #[test]
    fn the_filter_looks_into_every_cell() {
        assert_eq!(arranged("BETA", None), ["Beta"]);
        assert_eq!(arranged("10,", None), ["alpha"]);
        assert_eq!(arranged("delta", None), [""; 0]);
    }

    #[test]
    fn a_row_is_found_where_it_has_moved_to() {
        let mut sheet = sheet();
        sheet.arrange("", Some(Sorting { column: 1, descending: true }));
        assert_eq!(sheet.position(Some(&Subject::Flow("gamma".to_owned()))), 2);
        assert_eq!(sheet.position(Some(&Subject::Flow("delta".to_owned()))), 0);
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        assert_eq!([Cell::rate(None), Cell::rate(Some(1_234.4))].map(|cell| cell.text), ["-", "1,234/s"]);
        assert_eq!(Cell::byte_rate(Some(2_048.0)).text, "2.0 KiB/s");
    }
}
