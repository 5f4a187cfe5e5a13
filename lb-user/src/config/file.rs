//! The shape of the configuration file. Values that have to be checked are kept with their place in the text.

use super::Problem;
use super::problems::Lines;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{Deserializer, Error};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) agent: Agent,
    #[serde(default)]
    pub(super) flow_table: FlowTable,
    #[serde(default, rename = "service")]
    pub(super) services: Vec<Spanned<Service>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Agent {
    pub(super) interfaces: Spanned<Vec<Spanned<String>>>,
    pub(super) xdp_mode: Option<Spanned<String>>,
    pub(super) control_socket: Option<Spanned<String>>,
    pub(super) pin_folder: Option<Spanned<String>>,
    pub(super) removal_grace: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FlowTable {
    pub(super) flows: Option<Spanned<i64>>,
    pub(super) half_open_timeout: Option<Spanned<String>>,
    pub(super) closing_timeout: Option<Spanned<String>>,
    pub(super) tcp_timeout: Option<Spanned<String>>,
    pub(super) udp_timeout: Option<Spanned<String>>,
    pub(super) idle_after: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Service {
    pub(super) name: Spanned<String>,
    pub(super) vip: Spanned<String>,
    pub(super) port: Spanned<i64>,
    pub(super) protocol: Option<Spanned<String>>,
    pub(super) scheduler: Option<Spanned<String>>,
    pub(super) forwarding: Option<Spanned<String>>,
    pub(super) backends: Vec<Spanned<Backend>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Backend {
    pub(super) name: Spanned<String>,
    pub(super) address: Spanned<String>,
}

/// Reads the TOML text into its shape.
pub(super) fn parse(text: &str) -> Result<File, Problem> {
    let line = |error: &Error| Lines::of(text).at(error.span().map_or(0, |span| span.start));
    let document = Deserializer::parse(text).map_err(|error| {
        let line = line(&error);
        let excerpt = text.lines().nth(line - 1).unwrap_or_default().trim();
        Problem { line, message: format!("`{excerpt}` is not TOML: {}", error.message()) }
    })?;
    File::deserialize(document).map_err(|error| Problem { line: line(&error), message: misshapen(error) })
}

/// What is wrong with the shape of a document, and with which key.
fn misshapen(mut error: Error) -> String {
    // The path of the key is not given out, only shown, in place of an excerpt when the text is not at hand.
    error.set_input(None);
    let message = error.message();
    let shown = error.to_string();
    let Some(path) = shown.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`')) else {
        return message.to_owned();
    };
    let key = path.replace('.', ": ");
    // Types go by their Rust names here, as `i64`: say what to write instead.
    if message.starts_with("invalid type") || message.starts_with("invalid length") {
        let shape = SHAPES.iter().find(|(of, _)| *of == path).map_or("a string in quotes", |(_, shape)| shape);
        format!("{key} must be {shape}")
    } else {
        format!("{key}: {message}")
    }
}

/// What the keys hold that do not hold a string.
const SHAPES: [(&str, &str); 7] = [
    ("agent", "one table, as [agent]"),
    ("agent.interfaces", "an array of names, as [\"eth0\"]"),
    ("flow-table", "one table, as [flow-table]"),
    ("flow-table.flows", "a whole number, as 1048576"),
    ("service", "an array of tables, each as [[service]]"),
    ("service.port", "a whole number, as 443"),
    ("service.backends", "an array of tables, as [{ name = \"web-1\", address = \"192.0.2.11\" }]"),
];
