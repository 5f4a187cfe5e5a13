//! How clients are sent where they were before.

use super::Checker;
use crate::config::file;
use crate::config::model::{Affinity, Reset};
use std::time::Duration;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn affinity(&mut self, about: &str, affinity: Option<&file::Affinity>) -> Option<Option<Affinity>> {
        let Some(affinity) = affinity else {
            return Some(None);
        };
        let about = format!("{about}: affinity");
        let by = self.choice(&format!("{about}: by"), affinity.by.as_ref(), &[("client-address", ())]);
        let window = self.duration(&format!("{about}: window"), &affinity.window, Duration::from_secs(1));
        let reset = self.choice(&format!("{about}: reset"), affinity.reset.as_ref(), &RESETS);
        let prefix =
            self.whole_or(Affinity::DEFAULT_PREFIX, &format!("{about}: prefix"), affinity.prefix.as_ref(), 1..=32);
        let prefix_v6 = self.whole_or(
            Affinity::DEFAULT_PREFIX_V6,
            &format!("{about}: prefix-v6"),
            affinity.prefix_v6.as_ref(),
            1..=128,
        );
        let max_load = self.max_load(&about, affinity.max_load.as_ref());
        // There is no other way to tell clients apart, so the model need not say it.
        by?;
        Some(Some(Affinity {
            window: window?,
            reset: reset?,
            prefix: prefix?,
            prefix_v6: prefix_v6?,
            max_load: max_load?,
        }))
    }

    fn max_load(&mut self, about: &str, load: Option<&Spanned<f64>>) -> Option<Option<f64>> {
        match load {
            None => Some(None),
            Some(load) if Affinity::MAX_LOADS.contains(load.get_ref()) => Some(Some(*load.get_ref())),
            Some(load) => {
                let (least, most) = Affinity::MAX_LOADS.into_inner();
                let message = format!("{about}: max-load {} cannot be: use {least:.1} to {most:.1}", load.get_ref());
                self.problems.reject(load, message)
            }
        }
    }
}

// The first is the default.
const RESETS: [(&str, Reset); 2] = [("epoch", Reset::Epoch), ("client", Reset::Client)];
