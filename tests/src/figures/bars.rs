use super::Summary;
use super::axes::{COLOURS, FONT, drawing, picture, short};
use anyhow::Result;
use plotters::prelude::*;
use std::path::Path;

/// A graph of bars, one below the other, each as long as a median, with a line from the least round to the greatest.
#[derive(Clone, Debug)]
pub struct Bars<'a> {
    /// What is shown, with its unit.
    pub title: &'a str,
    /// From top to bottom.
    pub bars: Vec<Bar<'a>>,
}

/// One bar.
#[derive(Clone, Copy, Debug)]
pub struct Bar<'a> {
    /// Whose it is.
    pub name: &'a str,
    /// How long it is.
    pub value: Summary,
    /// Bars of a group have one colour.
    pub group: usize,
}

const WIDTH: u32 = 760;
const HEIGHT: u32 = 30;

impl Bars<'_> {
    /// Writes the graph to an SVG file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let count = self.bars.len();
        let greatest = self.bars.iter().map(|bar| bar.value.max).fold(0.0, f64::max);
        // The value is written behind its bar.
        let end = if greatest > 0.0 { greatest * 1.15 } else { 1.0 };
        picture(path, (WIDTH, 90 + HEIGHT * count as u32), |area| {
            let mut chart = ChartBuilder::on(area)
                .caption(self.title, (FONT, 17))
                .margin(10)
                .x_label_area_size(30)
                .y_label_area_size(230)
                // The first one at the top.
                .build_cartesian_2d(0.0..end, 0.0..count as f64)
                .map_err(drawing)?;
            chart
                .configure_mesh()
                .disable_y_mesh()
                .disable_y_axis()
                .y_labels(0)
                .x_label_formatter(&|number| short(*number))
                .label_style((FONT, 13))
                .light_line_style(WHITE)
                .draw()
                .map_err(drawing)?;
            let plot = chart.plotting_area();
            for (place, bar) in self.bars.iter().enumerate() {
                let middle = count as f64 - 0.5 - place as f64;
                let Summary { median, min, max, .. } = bar.value;
                let colour = COLOURS[bar.group % COLOURS.len()];
                let rectangle = Rectangle::new([(0.0, middle - 0.35), (median, middle + 0.35)], colour.filled());
                plot.draw(&rectangle).map_err(drawing)?;
                plot.draw(&PathElement::new([(min, middle), (max, middle)], BLACK.stroke_width(2))).map_err(drawing)?;
                let text = EmptyElement::at((max.max(median), middle)) + Text::new(short(median), (6, -6), (FONT, 13));
                plot.draw(&text).map_err(drawing)?;
                let name = EmptyElement::at((0.0, middle)) + Text::new(bar.name.to_owned(), (-225, -6), (FONT, 13));
                plot.draw(&name).map_err(drawing)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_bar_has_its_name_and_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/bars.svg");
        let bar = |name, rounds: &[f64], group| Bar { name, value: Summary::of(rounds).unwrap(), group };
        let bars = vec![bar("plain routing", &[30_849.0, 31_000.0, 30_000.0], 0), bar("nftables", &[23_909.0], 1)];
        Bars { title: "new connections a second", bars }.write(&path).unwrap();
        let svg = fs::read_to_string(path).unwrap();
        for text in ["new connections a second", "plain routing", "30.85 k", "nftables", "23.91 k"] {
            assert!(svg.contains(text), "{text} is missing:\n{svg}");
        }
    }
}
