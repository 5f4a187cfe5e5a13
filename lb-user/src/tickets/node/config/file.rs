//! The shape of the file. Values that have to be checked are kept with their place in the text.

use crate::config::Shape;
use serde::Deserialize;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) agents: Spanned<Vec<Spanned<String>>>,
    pub(super) certificate: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) ca: Spanned<String>,
    #[serde(rename = "ring")]
    pub(super) rings: Spanned<Vec<Ring>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Ring {
    pub(super) name: Spanned<String>,
    pub(super) driver: Spanned<String>,
    pub(super) folder: Spanned<String>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) test: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) pid_file: Option<Spanned<String>>,
    pub(super) socket: Option<Spanned<String>>,
    pub(super) secret: Option<Spanned<String>>,
    pub(super) command: Option<Spanned<Vec<Spanned<String>>>>,
}

pub(super) const SHAPE: Shape = Shape {
    named: "ring",
    keys: &[
        ("agents", "an array of URLs, as [\"https://10.0.0.2:9444\"]"),
        ("ring", "an array of tables, each as [[ring]]"),
        ("ring.test", "an array of words, as [\"/usr/sbin/nginx\", \"-t\"]"),
        ("ring.command", "an array of words, as [\"/usr/sbin/apachectl\", \"-k\", \"graceful\"]"),
    ],
};
