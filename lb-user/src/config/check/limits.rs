//! How many new flows a service takes.

use super::Checker;
use crate::config::file;
use crate::config::model::Limits;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn limits(&mut self, about: &str, service: &file::Service) -> Option<Limits> {
        let default = Limits::DEFAULT;
        let new_flows = self.rate(&format!("{about}: new-flow-rate"), service.new_flow_rate.as_ref());
        let new_flows_per_source =
            self.rate(&format!("{about}: new-flow-rate-per-source"), service.new_flow_rate_per_source.as_ref());
        let source_prefix = self.whole_or(
            default.source_prefix,
            &format!("{about}: source-prefix"),
            service.source_prefix.as_ref(),
            1..=32,
        );
        let source_prefix_v6 = self.whole_or(
            default.source_prefix_v6,
            &format!("{about}: source-prefix-v6"),
            service.source_prefix_v6.as_ref(),
            1..=128,
        );
        if service.new_flow_rate_per_source.is_none() {
            self.without_sources(about, "source-prefix", service.source_prefix.as_ref());
            self.without_sources(about, "source-prefix-v6", service.source_prefix_v6.as_ref());
        }
        let flood_above = self.rate(&format!("{about}: flood-above"), service.flood_above.as_ref());
        Some(Limits {
            new_flows: new_flows?,
            new_flows_per_source: new_flows_per_source?,
            source_prefix: source_prefix?,
            source_prefix_v6: source_prefix_v6?,
            flood_above: flood_above?,
        })
    }

    /// Reports what would say something about sources, which nobody tells apart.
    fn without_sources(&mut self, about: &str, key: &str, prefix: Option<&Spanned<i64>>) {
        if let Some(prefix) = prefix {
            let message = format!("{about}: {key} has no meaning without new-flow-rate-per-source: set that as well");
            self.problems.add(prefix, message);
        }
    }
}
