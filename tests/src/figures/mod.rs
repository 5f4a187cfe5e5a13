//! Figures that benchmarks publish: from rounds of measurements to a section of a document, its graphs, and the machine that they hold for.
//!
//! | file | what it holds |
//! |---|---|
//! | `summary` | median and spread of rounds; two measurements of the same rounds, one over the other |
//! | `table` | a table in Markdown |
//! | `section` | a document's section that a command writes, between two markers |
//! | `axes`, `bars`, `lines` | graphs as SVG |
//! | `machine` | the machine, and the versions of what else was measured on it |

mod axes;
mod bars;
mod lines;
mod machine;
mod section;
mod summary;
mod table;

pub use axes::Scale;
pub use bars::{Bar, Bars};
pub use lines::{Line, Lines};
pub use machine::{Machine, version};
pub use section::{replace_section, section};
pub use summary::{Summary, ratios};
pub use table::Table;
