use anyhow::{Context, Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use std::fs;
use std::path::Path;

/// How an axis runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from 0.
    Linear,
    /// By powers of ten.
    Logarithmic,
}

/// Text of graphs; whoever shows them has a font by this name.
pub(super) const FONT: &str = "sans-serif";
/// Colours of lines and bars, which also differ for whoever sees no red or no green (Okabe and Ito).
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];

/// Draws an SVG picture of this size, and writes it to `path` when it is whole. The folder is made if it is not there.
pub(super) fn picture(
    path: &Path,
    size: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<()>,
) -> Result<()> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    area.fill(&WHITE).map_err(drawing)?;
    draw(&area)?;
    area.present().map_err(drawing)?;
    drop(area);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot make it", folder.display()))?;
    }
    fs::write(path, svg).with_context(|| format!("{}: cannot write the graph", path.display()))
}

/// Errors of the drawing library may borrow what is drawn on.
pub(super) fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw a graph: {error}")
}

/// A number on an axis, as short as it can be: 0.5, 20, 64 k, 8 M.
pub(super) fn short(number: f64) -> String {
    let (scaled, unit) = match number.abs() {
        great if great >= 1e6 => (number / 1e6, " M"),
        great if great >= 1e4 => (number / 1e3, " k"),
        _ => (number, ""),
    };
    let digits = if scaled.abs() >= 100.0 { 0 } else { 2 };
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.5, 20.0, 1_024.0, 64_000.0, 262_144.0, 8_000_000.0].map(short);
        assert_eq!(shown, ["0", "0.5", "20", "1024", "64 k", "262 k", "8 M"]);
    }
}
