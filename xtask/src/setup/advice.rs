//! Tells a person what is missing and which commands bring it.

use std::process::Command;

use super::requirement::{Remedy, Requirement};
use super::{Machine, packages, units};
use crate::process;

/// What is missing and why it is needed, then commands to paste.
pub(super) fn on(missing: &[&Requirement], machine: &Machine) -> String {
    let things: String =
        missing.iter().map(|requirement| format!("\n  {}: {}", requirement.name, requirement.why)).collect();
    let steps: String = steps(missing, machine).iter().map(|step| format!("\n  {step}")).collect();
    format!("missing on this machine:{things}\nto get it:{steps}\nthen run `cargo xtask setup` again")
}

fn steps(missing: &[&Requirement], machine: &Machine) -> Vec<String> {
    let sudo = if machine.root { "" } else { "sudo " };
    let as_root = |command: &Command| format!("{sudo}{}", process::shown(command));
    let mut steps = Vec::new();

    let packages = packages(missing, machine.distribution);
    if !packages.is_empty() {
        match machine.distribution.install(&packages) {
            Some(install) => {
                let refresh = machine.distribution.refresh();
                steps.extend(refresh.iter().chain([&install]).map(as_root));
            }
            None => steps.push(format!("install with your package manager: {}", packages.join(" "))),
        }
    }
    let units = units(missing, machine.distribution);
    if !units.is_empty() {
        steps.push(as_root(&process::plain("systemctl", &[&["disable", "--now"], &units[..]].concat())));
    }
    for requirement in missing {
        match (requirement.remedy)(machine.distribution) {
            Remedy::Packages(_) | Remedy::Service { .. } => {}
            Remedy::Command(command) => steps.push(process::shown(&command)),
            Remedy::RootCommand(command) => steps.push(as_root(&command)),
            Remedy::Advice(advice) => steps.push(advice.to_owned()),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::super::distribution::Distribution;
    use super::super::requirement::REQUIREMENTS;
    use super::*;

    fn steps_for(names: &[&str], distribution: Distribution, root: bool) -> Vec<String> {
        let missing: Vec<_> = REQUIREMENTS.iter().filter(|requirement| names.contains(&requirement.name)).collect();
        steps(&missing, &Machine { distribution, root })
    }

    const NAMES: [&str; 3] = ["a Rust toolchain for eBPF", "bpf-linker", "ethtool"];

    #[test]
    fn debian_gets_everything_by_one_install() {
        assert_eq!(
            steps_for(&NAMES, Distribution::Debian, false),
            [
                "sudo apt-get update",
                "sudo apt-get install -y --no-install-recommends rustc-web libstd-rust-web-dev-bpf ethtool",
                "cargo install bpf-linker --version 0.10.3 --locked",
            ]
        );
    }

    #[test]
    fn services_that_come_along_are_not_left_running() {
        assert_eq!(
            steps_for(&["nginx", "apache", "etcd"], Distribution::Debian, true),
            [
                "apt-get update",
                "apt-get install -y --no-install-recommends nginx apache2-bin etcd-server",
                "systemctl disable --now nginx etcd",
            ]
        );
    }

    #[test]
    fn others_get_the_nightly_toolchain() {
        assert_eq!(
            steps_for(&NAMES, Distribution::Fedora, true),
            [
                "dnf install -y ethtool",
                "rustup toolchain install nightly --component rust-src",
                "cargo install bpf-linker --version 0.10.3 --locked",
            ]
        );
    }

    #[test]
    fn an_unknown_distribution_gets_the_names() {
        assert_eq!(
            steps_for(&["ip", "ethtool"], Distribution::Unknown, false),
            ["install with your package manager: iproute2 ethtool"]
        );
    }
}
