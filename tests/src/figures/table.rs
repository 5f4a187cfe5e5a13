use std::fmt;

/// A table in Markdown: names to the left in the first column, figures to the right in all others.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row. Cells that are missing at its end are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        cells.resize(self.head.len(), String::new());
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule: String = (0..self.head.len()).map(|column| if column == 0 { "---|" } else { "---:|" }).collect();
        write_row(f, &self.head)?;
        writeln!(f, "|{rule}")?;
        self.rows.iter().try_for_each(|row| write_row(f, row))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, cells: &[String]) -> fmt::Result {
    for cell in cells {
        write!(f, "| {} ", cell.replace('|', "\\|"))?;
    }
    writeln!(f, "|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_every_column() {
        let mut table = Table::new(&["", "a", "b"]);
        table.row(["x", "1"]);
        table.row(["y|z", "2", "3", "not shown"]);
        assert_eq!(table.to_string(), "|  | a | b |\n|---|---:|---:|\n| x | 1 |  |\n| y\\|z | 2 | 3 |\n");
    }
}
