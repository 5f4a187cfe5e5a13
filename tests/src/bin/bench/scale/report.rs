//! The figures as a section of a document, and as graphs.

use super::agent::ROUNDS;
use super::shape::Axis;
use super::{Figures, Point};
use anyhow::Result;
use lb_tests::figures::{Line, Lines, Scale, Table};
use std::fmt::Write;
use std::path::Path;

/// The whole section.
pub(super) fn section(figures: &Figures) -> String {
    let Figures { machine, rounds, at_work, .. } = figures;
    let mut text = format!(
        "{machine}. {rounds} rounds, and {ROUNDS} of changes; medians, in parentheses the least and the greatest.\n\n\
         How many times as much it costs to have the most of something rather than the least:\n\n{}",
        growth(figures)
    );
    for axis in Axis::ALL {
        let mut table = Table::new(&[
            axis.title(),
            "ns a packet of a known flow",
            "ns a new flow",
            "maps MiB",
            "apply all of it, ms",
            "one back-end more or less, ms",
            "agent MiB",
        ]);
        for Point { shape, cost, changes, .. } in of(figures, axis) {
            let mut cells = vec![shape.along(axis).to_string(), cost.hit.with_spread(1), cost.new_flow.with_spread(1)];
            cells.push(format!("{:.1}", cost.maps));
            if let Some(changes) = changes {
                cells.extend([
                    changes.all.with_spread(1),
                    changes.one.with_spread(1),
                    format!("{:.1}", changes.memory),
                ]);
            }
            table.row(cells);
        }
        // Writing to a string does not fail.
        let _ = write!(text, "\n{table}");
    }
    let mut table = Table::new(&["the agent", "% of a CPU", "MiB"]);
    for work in at_work {
        table.row([work.what.clone(), format!("{:.2}", work.cpu), format!("{:.1}", work.memory)]);
    }
    text + &format!("\n{table}")
}

/// For each axis, the last point over the first one.
fn growth(figures: &Figures) -> Table {
    let mut table =
        Table::new(&["", "from", "to", "a packet of a known flow", "a new flow", "one back-end more or less"]);
    for axis in Axis::ALL {
        let points: Vec<_> = of(figures, axis).collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
        let ratio = |last: f64, first: f64| format!("{:.2}", last / first);
        let mut cells = vec![axis.title().to_owned()];
        cells.extend([first, last].map(|point| point.shape.along(axis).to_string()));
        cells.push(ratio(last.cost.hit.median, first.cost.hit.median));
        cells.push(ratio(last.cost.new_flow.median, first.cost.new_flow.median));
        if let (Some(first), Some(last)) = (first.changes, last.changes) {
            cells.push(ratio(last.one.median, first.one.median));
        }
        table.row(cells);
    }
    table
}

fn of(figures: &Figures, axis: Axis) -> impl Iterator<Item = &Point> {
    figures.points.iter().filter(move |point| point.axis == axis)
}

/// Writes the graphs to `folder`, and returns the lines of Markdown that show them, for a document from which they are at `link`.
pub(super) fn graphs(figures: &Figures, folder: &Path, link: &str) -> Result<String> {
    let mut lines = String::new();
    let mut graph = |name: &str, title: &str, y: &str, value: &dyn Fn(&Point) -> Option<f64>| {
        let line = |axis: Axis| {
            // Nothing has no place on a logarithmic axis.
            let at = |point: &Point| f64::from(point.shape.along(axis).max(1));
            Line {
                name: axis.title(),
                points: of(figures, axis).filter_map(|point| Some((at(point), value(point)?))).collect(),
            }
        };
        let drawn = Axis::ALL.into_iter().map(line).filter(|line| !line.points.is_empty()).collect();
        let graph = Lines { title, x: "how many there are", y, scale: Scale::Logarithmic, lines: drawn };
        graph.write(&folder.join(format!("{name}.svg")))?;
        write!(lines, "\n![{title}]({link}/{name}.svg)\n")?;
        anyhow::Ok(())
    };
    graph("scale-hit", "A packet of a known flow", "ns", &|point| Some(point.cost.hit.median))?;
    graph("scale-new-flow", "A new flow", "ns", &|point| Some(point.cost.new_flow.median))?;
    graph("scale-apply", "All of it applied", "ms", &|point| Some(point.changes?.all.median))?;
    graph("scale-one", "One back-end more or less", "ms", &|point| Some(point.changes?.one.median))?;
    Ok(lines)
}
