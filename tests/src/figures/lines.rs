use super::Scale;
use super::axes::{COLOURS, FONT, drawing, picture, short};
use anyhow::{Result, ensure};
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::path::Path;

/// A graph of lines: how something grows with something else, or does not.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    /// What is shown.
    pub title: &'a str,
    /// What grows to the right.
    pub x: &'a str,
    /// What is measured, with its unit.
    pub y: &'a str,
    /// How the axis to the right runs; the other one is linear and begins at 0, or nothing would look flat.
    pub scale: Scale,
    /// The lines.
    pub lines: Vec<Line<'a>>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Whose it is.
    pub name: &'a str,
    /// Where it goes through, from left to right.
    pub points: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (760, 380);

impl Lines<'_> {
    /// Writes the graph to an SVG file.
    ///
    /// # Errors
    /// When it has no points, one that a logarithmic axis cannot show, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        ensure!(points().next().is_some(), "{}: a graph without points", self.title);
        let left = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
        let right = points().map(|point| point.0).fold(f64::NEG_INFINITY, f64::max);
        let top = points().map(|point| point.1).fold(0.0, f64::max) * 1.1;
        let top = if top > 0.0 { top } else { 1.0 };
        match self.scale {
            Scale::Linear => self.draw(path, 0.0..right, top),
            Scale::Logarithmic => {
                ensure!(left > 0.0, "{}: {left} has no place on a logarithmic axis", self.title);
                self.draw(path, (left..right).log_scale(), top)
            }
        }
    }

    fn draw<X>(&self, path: &Path, x: impl AsRangedCoord<CoordDescType = X, Value = f64>, top: f64) -> Result<()>
    where
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        picture(path, SIZE, |area| {
            let mut chart = ChartBuilder::on(area)
                .caption(self.title, (FONT, 17))
                .margin(12)
                .x_label_area_size(45)
                .y_label_area_size(70)
                .build_cartesian_2d(x, 0.0..top)
                .map_err(drawing)?;
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .label_style((FONT, 13))
                .x_desc(self.x)
                .y_desc(self.y)
                .x_label_formatter(&|number| short(*number))
                .y_label_formatter(&|number| short(*number))
                .draw()
                .map_err(drawing)?;
            for (line, colour) in self.lines.iter().zip(COLOURS.into_iter().cycle()) {
                let series = LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)).point_size(3);
                let drawn = chart.draw_series(series).map_err(drawing)?;
                drawn
                    .label(line.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE.mix(0.8))
                .label_font((FONT, 13))
                .draw()
                .map_err(drawing)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn graph(scale: Scale, first: f64) -> Lines<'static> {
        let line = |name, points: &[(f64, f64)]| Line { name, points: points.to_vec() };
        let lines =
            vec![line("known flow", &[(first, 22.0), (1e6, 172.0)]), line("new flow", &[(first, 224.0), (1e6, 236.0)])];
        Lines { title: "cost of a packet", x: "flows", y: "ns", scale, lines }
    }

    #[test]
    fn every_line_has_its_name_on_either_scale() {
        let folder = tempfile::tempdir().unwrap();
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let path = folder.path().join("lines.svg");
            graph(scale, 1.0).write(&path).unwrap();
            let svg = fs::read_to_string(path).unwrap();
            for text in ["cost of a packet", "known flow", "new flow", "flows", "ns"] {
                assert!(svg.contains(text), "{text} is missing:\n{svg}");
            }
        }
    }

    #[test]
    fn a_logarithmic_axis_has_no_zero() {
        let path = Path::new("nowhere/lines.svg");
        let error = graph(Scale::Logarithmic, 0.0).write(path).unwrap_err().to_string();
        assert_eq!(error, "cost of a packet: 0 has no place on a logarithmic axis");
        let empty = Lines { lines: vec![], ..graph(Scale::Linear, 1.0) };
        assert!(empty.write(path).unwrap_err().to_string().contains("without points"));
    }
}
