//! How many new flows a service takes.

use super::Checker;
use crate::config::file;
use crate::config::model::Limits;

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
        let flood_above = self.rate(&format!("{about}: flood-above"), service.flood_above.as_ref());
        Some(Limits {
            new_flows: new_flows?,
            new_flows_per_source: new_flows_per_source?,
            source_prefix: source_prefix?,
            source_prefix_v6: source_prefix_v6?,
            flood_above: flood_above?,
        })
    }
}
