//! From the text to the shape of the file. Mistakes in the shape come one at a time.

use super::problems::Lines;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, Deserializer, Error};

/// What people are told about the shape of a kind of file.
pub(crate) struct Shape {
    /// The key of the tables that have names.
    pub(crate) named: &'static str,
    /// What the keys hold that do not hold a string.
    pub(crate) keys: &'static [(&'static str, &'static str)],
}

/// Reads the TOML text into its shape. A mistake is a line and what is wrong on it.
pub(super) fn parse<T: DeserializeOwned>(text: &str, shape: &Shape) -> Result<T, (usize, String)> {
    let line = |error: &Error| Lines::of(text).at(error.span().map_or(0, |span| span.start));
    let document = Deserializer::parse(text).map_err(|error| {
        let line = line(&error);
        let excerpt = text.lines().nth(line - 1).unwrap_or_default().trim();
        (line, format!("`{excerpt}` is not TOML: {}", error.message()))
    })?;
    T::deserialize(document).map_err(|error| {
        let name = error.span().and_then(|span| name_at(text, shape.named, span.start));
        (line(&error), misshapen(error, name, shape))
    })
}

/// The name of that table of `tables` that the byte at `offset` belongs to, if it has one.
fn name_at(text: &str, tables: &str, offset: usize) -> Option<String> {
    let document = DeTable::parse(text).ok()?;
    let tables = document.get_ref().get(tables)?.get_ref().as_array()?;
    let table = tables.iter().rfind(|table| table.span().start <= offset)?;
    table.get_ref().get("name")?.get_ref().as_str().map(str::to_owned)
}

/// What is wrong with the shape of a document, and with which key, if need be of the table with this name.
fn misshapen(mut error: Error, name: Option<String>, shape: &Shape) -> String {
    // The path of the key is not given out, only shown, in place of an excerpt when the text is not at hand.
    error.set_input(None);
    let message = error.message();
    let shown = error.to_string();
    let Some(path) = shown.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`')) else {
        return with_suggestion(message);
    };
    let named = shape.named;
    let key = match (path.split_once('.'), name) {
        (Some((tables, key)), Some(name)) if tables == named => format!("{named} {name:?}: {}", key.replace('.', ": ")),
        (None, Some(name)) if path == named => format!("{named} {name:?}"),
        _ => path.replace('.', ": "),
    };
    // Types go by their Rust names here, as `i64`: say what to write instead.
    if message.starts_with("invalid type") || message.starts_with("invalid length") {
        let held = shape.keys.iter().find(|(of, _)| *of == path).map_or("a string in quotes", |(_, held)| held);
        format!("{key} must be {held}")
    } else {
        format!("{key}: {}", with_suggestion(message))
    }
}

/// The message about an unknown key with the known one that it is most like, if there is such a one.
fn with_suggestion(message: &str) -> String {
    // More than half of a misspelt key is right.
    const LIKE: f64 = 0.6;
    let suggestion = message.strip_prefix("unknown field `").and_then(|rest| {
        let (unknown, expected) = rest.split_once("`, expected ")?;
        // Every other part is between backticks.
        let known = expected.split('`').skip(1).step_by(2);
        let likeness = known.map(|key| (strsim::normalized_damerau_levenshtein(unknown, key), key));
        let (_, key) = likeness.filter(|(like, _)| *like >= LIKE).max_by(|(a, _), (b, _)| a.total_cmp(b))?;
        Some(format!("unknown field `{unknown}`: did you mean `{key}`? Expected {expected}"))
    });
    suggestion.unwrap_or_else(|| message.to_owned())
}

/// What a port is, which is a number or a string.
pub(super) const PORT: &str = "a whole number, as 443, a range, as \"8000-8099\", or \"all\"";

/// The agent's file.
pub(super) const AGENT: Shape = Shape { named: "service", keys: &SHAPES };

const SHAPES: [(&str, &str); 68] = [
    ("agent", "one table, as [agent]"),
    ("agent.interfaces", "an array of names, as [\"eth0\"]"),
    ("agent.watch", "true or false"),
    ("agent.measure-run-time", "true or false"),
    ("api", "one table, as [api]"),
    ("api.admins", "an array of names, as [\"ops.example.org\"]"),
    ("dashboard", "one table, as [dashboard]"),
    ("dashboard.admins", "an array of names, as [\"ops.example.org\"]"),
    ("analysis", "one table, as [analysis]"),
    ("analysis.samples", "a whole number, as 1000"),
    ("analysis.server-names", "true or false"),
    ("analysis.history", "true or false"),
    ("applications", "a table of ports by name, as { postgres = \"5432/tcp\" }"),
    ("icmp", "one table, as [icmp]"),
    ("icmp.answer-echo", "true or false"),
    ("icmp.echo-rate", "a whole number, as 1000"),
    ("icmp.too-big-rate", "a whole number, as 1000"),
    ("flow-table", "one table, as [flow-table]"),
    ("flow-table.flows", "a whole number, as 1048576"),
    ("flow-table.clients", "a whole number, as 65536"),
    ("announce", "one table, as [announce]"),
    ("announce.communities", "an array of communities, as [\"65000:100\"]"),
    ("announce.as-number", "a whole number, as 65001"),
    ("announce.command", "an array of strings, as [\"/usr/local/bin/announce\"]"),
    ("announce.interfaces", "an array of names, as [\"eth0\"]"),
    ("flow-table.keys", "true or false"),
    ("tickets", "one table, as [tickets]"),
    ("tickets.revoked-nodes", "an array of names, as [\"web-3\"]"),
    ("tickets.cluster", "one table, as [tickets.cluster]"),
    ("tickets.cluster.etcd", "an array of URLs, as [\"http://10.0.0.9:2379\"]"),
    ("tickets.cluster.peers", "a table of public keys by agent, as { lb-2 = \"...\" }"),
    ("tickets.ring", "an array of tables, each as [[tickets.ring]]"),
    ("tickets.ring.services", "an array of names, as [\"web\"]"),
    ("tickets.ring.min-ready", "a whole number, as 50"),
    ("service", "an array of tables, each as [[service]]"),
    ("service.port", PORT),
    ("service.tunnel-source", "an array of prefixes, as [\"172.16.0.0/16\"]"),
    ("service.gue-port", "a whole number, as 6080"),
    ("service.one-packet", "true or false"),
    ("service.affinity", "a table, as { window = \"10m\" }"),
    ("service.affinity.prefix", "a whole number, as 32"),
    ("service.affinity.prefix-v6", "a whole number, as 128"),
    ("service.affinity.max-load", "a number, as 1.25"),
    ("service.allow", "an array of prefixes, as [\"10.0.0.0/8\"]"),
    ("service.deny", "an array of prefixes, as [\"10.0.0.0/8\"]"),
    ("service.new-flow-rate", "a whole number, as 10000"),
    ("service.new-flow-rate-per-source", "a whole number, as 100"),
    ("service.source-prefix", "a whole number, as 32"),
    ("service.source-prefix-v6", "a whole number, as 64"),
    ("service.flood-above", "a whole number, as 50000"),
    ("service.announce", "true or false"),
    ("service.quic", "an array of tables, each as [[service.quic]]"),
    ("service.quic.codepoint", "a whole number, as 0"),
    ("service.quic.server-id-length", "a whole number, as 3"),
    ("service.quic.nonce-length", "a whole number, as 4"),
    ("service.quic.servers", "a table of server IDs by back-end, as { web-1 = \"0a0b0c\" }"),
    ("service.health", "a table, as { type = \"tcp\" }"),
    ("service.health.port", "a whole number, as 443"),
    ("service.health.jitter", "a number, as 0.1"),
    ("service.health.rise", "a whole number, as 3"),
    ("service.health.fall", "a whole number, as 2"),
    ("service.health.insecure", "true or false"),
    ("service.health.tls", "true or false"),
    ("service.health.command", "an array of words, as [\"/usr/lib/handoff/check\", \"--fast\"]"),
    ("service.min-ready", "a whole number, as 1"),
    ("service.backends", "an array of tables, as [{ name = \"web-1\", address = \"192.0.2.11\" }]"),
    ("service.backends.weight", "a whole number, as 1"),
    ("service.backends.vlan", "an array of whole numbers, as [100]"),
];
