//! The shape of the configuration file. Values that have to be checked are kept with their place in the text.

use super::Problem;
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) agent: Spanned<Agent>,
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
    pub(super) backends: Spanned<Vec<Spanned<Backend>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Backend {
    pub(super) name: Spanned<String>,
    pub(super) address: Spanned<String>,
}

/// Reads the TOML text into its shape.
pub(super) fn parse(text: &str) -> Result<File, Problem> {
    toml::from_str(text).map_err(|error| Problem {
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        message: error.message().to_owned(),
    })
}

/// The line, counted from 1, that the byte at `offset` is on.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}
