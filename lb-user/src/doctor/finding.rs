use super::Check;
use serde::Serialize;
use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Looked at, and good.
    Ok,
    /// Good to know.
    Note,
    /// Costs speed, or some packets.
    Warning,
    /// Keeps packets from their way.
    Fault,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Fault => "fault",
        })
    }
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub name: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: an interface, a service, an address; empty for the whole machine.
    pub on: String,
    /// What was found.
    pub found: String,
    /// What to do about it; `None` when there is nothing to do.
    pub remedy: Option<String>,
}

impl Finding {
    /// What `check` has found `on` something. `words` take the place of the capitals in its remedy, as `("INTERFACE", "eth0")`.
    pub(super) fn new(
        check: Check,
        on: impl fmt::Display,
        words: &[(&str, &dyn fmt::Display)],
        found: impl Into<String>,
    ) -> Self {
        let fill = |text: String, (word, value): &(&str, &dyn fmt::Display)| text.replace(word, &value.to_string());
        let remedy = words.iter().fold(check.remedy().to_owned(), fill);
        let found = found.into();
        Self {
            name: check.name(),
            severity: check.severity(),
            on: on.to_string(),
            found,
            remedy: (!remedy.is_empty()).then_some(remedy),
        }
    }
}

/// The worst of the findings.
pub fn worst(findings: &[Finding]) -> Severity {
    findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_names_what_it_is_about() {
        let finding = Finding::new(Check::LinkDown, "eth7", &[("INTERFACE", &"eth7")], "no carrier");
        assert_eq!(finding.remedy.as_deref(), Some("`ip link set dev eth7 up`, and check its cable"));
        assert_eq!((finding.name, finding.severity), ("link-down", Severity::Fault));
        assert_eq!(Finding::new(Check::Kernel, "", &[], "Linux 6.1").remedy, None);
    }

    #[test]
    fn the_worst_finding_counts() {
        let finding = |check| Finding::new(check, "", &[], "");
        assert_eq!(worst(&[]), Severity::Ok);
        assert_eq!(worst(&[finding(Check::LroOn), finding(Check::Kernel)]), Severity::Warning);
        assert_eq!(worst(&[finding(Check::Veth), finding(Check::LinkDown)]), Severity::Fault);
    }
}
