//! Linux distributions: which package manager, and what it calls the tools.

use std::fs;
use std::process::Command;

use crate::process;

/// A distribution as far as we care: one of a family has its package manager and its package names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distribution {
    Debian,
    /// Ubuntu and other children of Debian.
    DebianLike,
    Fedora,
    Arch,
    Alpine,
    Unknown,
}

#[derive(Clone, Copy)]
pub(crate) enum Tool {
    CCompiler,
    CxxCompiler,
    Protoc,
    Libpcap,
    Ip,
    Ethtool,
    Tmux,
    Bird,
    Nginx,
    NginxStream,
    Nft,
    HaProxy,
    Apache,
    Etcd,
    Chromium,
    Tshark,
    Faketime,
    Dpkg,
    Ipvsadm,
    Binutils,
    Qemu,
    Busybox,
    Cpio,
    Mandoc,
    Systemd,
}

impl Distribution {
    pub(crate) fn detect() -> Self {
        // The second place is for systems without the link in /etc.
        ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| fs::read_to_string(path).ok())
            .map_or(Self::Unknown, |text| Self::of(&text))
    }

    /// The distribution that an os-release file tells of.
    fn of(os_release: &str) -> Self {
        if value(os_release, "ID") == Some("debian") {
            return Self::Debian;
        }
        let id = value(os_release, "ID").unwrap_or_default();
        let parents = value(os_release, "ID_LIKE").unwrap_or_default();
        let mut names = id.split_whitespace().chain(parents.split_whitespace());
        names
            .find_map(|name| match name {
                "debian" | "ubuntu" => Some(Self::DebianLike),
                "fedora" | "rhel" | "centos" => Some(Self::Fedora),
                "arch" => Some(Self::Arch),
                "alpine" => Some(Self::Alpine),
                _ => None,
            })
            .unwrap_or(Self::Unknown)
    }

    /// Whether setup itself installs packages here; elsewhere it only says how.
    pub(crate) fn has_apt(self) -> bool {
        matches!(self, Self::Debian | Self::DebianLike)
    }

    /// Fetches the lists of packages, where installing doesn't do that by itself.
    pub(crate) fn refresh(self) -> Option<Command> {
        self.has_apt().then(|| process::plain("apt-get", &["update"]))
    }

    /// Installs `packages`; none for a package manager that we don't know.
    pub(crate) fn install(self, packages: &[&str]) -> Option<Command> {
        let (program, args): (_, &[_]) = match self {
            Self::Debian | Self::DebianLike => ("apt-get", &["install", "-y", "--no-install-recommends"]),
            Self::Fedora => ("dnf", &["install", "-y"]),
            Self::Arch => ("pacman", &["-S", "--needed", "--noconfirm"]),
            Self::Alpine => ("apk", &["add"]),
            Self::Unknown => return None,
        };
        Some(process::plain(program, &[args, packages].concat()))
    }

    pub(crate) fn packages(self, tool: Tool) -> &'static [&'static str] {
        match (tool, self) {
            (Tool::CCompiler, Self::Debian | Self::DebianLike) => &["gcc", "libc6-dev"],
            (Tool::CCompiler, Self::Fedora) => &["gcc", "glibc-devel"],
            (Tool::CCompiler, Self::Arch) => &["gcc"],
            (Tool::CCompiler, Self::Alpine) => &["gcc", "musl-dev"],
            (Tool::CCompiler, Self::Unknown) => &["gcc"],
            (Tool::CxxCompiler, Self::Fedora) => &["gcc-c++"],
            (Tool::CxxCompiler, Self::Arch) => &["gcc"],
            (Tool::CxxCompiler, _) => &["g++"],
            (Tool::Protoc, Self::Debian | Self::DebianLike) => &["protobuf-compiler", "libprotobuf-dev"],
            (Tool::Protoc, Self::Fedora) => &["protobuf-compiler", "protobuf-devel"],
            (Tool::Protoc, Self::Arch) => &["protobuf"],
            (Tool::Protoc, Self::Alpine) => &["protoc", "protobuf-dev"],
            (Tool::Protoc, Self::Unknown) => &["protobuf-compiler"],
            (Tool::Libpcap, Self::Fedora) => &["libpcap-devel"],
            (Tool::Libpcap, Self::Arch) => &["libpcap"],
            (Tool::Libpcap, _) => &["libpcap-dev"],
            (Tool::Ip, Self::Fedora) => &["iproute"],
            (Tool::Ip, _) => &["iproute2"],
            (Tool::Ethtool, _) => &["ethtool"],
            (Tool::Tmux, _) => &["tmux"],
            (Tool::Bird, Self::Debian | Self::DebianLike) => &["bird2"],
            (Tool::Bird, _) => &["bird"],
            (Tool::Nginx, _) => &["nginx"],
            (Tool::NginxStream, Self::Debian | Self::DebianLike) => &["libnginx-mod-stream"],
            (Tool::NginxStream, _) => &["nginx-mod-stream"],
            (Tool::Nft, _) => &["nftables"],
            (Tool::HaProxy, _) => &["haproxy"],
            // The server alone, without a service.
            (Tool::Apache, Self::Debian | Self::DebianLike) => &["apache2-bin"],
            (Tool::Apache, Self::Fedora) => &["httpd", "mod_ssl"],
            (Tool::Apache, Self::Alpine) => &["apache2", "apache2-ssl"],
            (Tool::Apache, _) => &["apache"],
            (Tool::Etcd, Self::Debian | Self::DebianLike) => &["etcd-server"],
            (Tool::Etcd, _) => &["etcd"],
            // Without a font, pages have no letters.
            (Tool::Chromium, Self::Debian | Self::DebianLike) => &["chromium", "fonts-dejavu-core"],
            (Tool::Chromium, _) => &["chromium"],
            (Tool::Tshark, Self::Debian | Self::DebianLike) => &["tshark"],
            (Tool::Tshark, Self::Fedora) => &["wireshark-cli"],
            (Tool::Tshark, Self::Arch) => &["wireshark-cli"],
            (Tool::Tshark, _) => &["tshark"],
            (Tool::Qemu, Self::Debian | Self::DebianLike) => &["qemu-system-x86"],
            (Tool::Qemu, Self::Fedora) => &["qemu-system-x86-core"],
            (Tool::Qemu, _) => &["qemu-system-x86_64"],
            (Tool::Busybox, Self::Debian | Self::DebianLike | Self::Alpine) => &["busybox-static"],
            (Tool::Busybox, _) => &["busybox"],
            (Tool::Faketime, _) => &["libfaketime"],
            (Tool::Ipvsadm, _) => &["ipvsadm"],
            (Tool::Binutils, _) => &["binutils"],
            (Tool::Cpio, _) => &["cpio"],
            (Tool::Dpkg, _) => &["dpkg"],
            (Tool::Mandoc, _) => &["mandoc"],
            (Tool::Systemd, _) => &["systemd"],
        }
    }
}

/// The value of `key` in lines of `KEY=value` or `KEY="value"`.
fn value<'a>(os_release: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = os_release.lines();
    let value = lines.find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    Some(value.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distributions_are_recognised() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(Distribution::of(debian), Distribution::Debian);
        let ubuntu = "ID=ubuntu\nID_LIKE=debian\n";
        assert_eq!(Distribution::of(ubuntu), Distribution::DebianLike);
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        assert_eq!(Distribution::of(mint), Distribution::DebianLike);
        let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        assert_eq!(Distribution::of(rocky), Distribution::Fedora);
        assert_eq!(Distribution::of("ID=arch\n"), Distribution::Arch);
        assert_eq!(Distribution::of("ID='alpine'\n"), Distribution::Alpine);
    }

    #[test]
    fn others_are_unknown() {
        assert_eq!(Distribution::of(""), Distribution::Unknown);
        assert_eq!(Distribution::of("ID=nixos\n"), Distribution::Unknown);
        assert_eq!(Distribution::of("VARIANT_ID=debian\n"), Distribution::Unknown);
        assert!(Distribution::Unknown.install(&["gcc"]).is_none());
    }

    #[test]
    fn packages_have_the_names_of_the_distribution() {
        assert_eq!(Distribution::Fedora.packages(Tool::Ip), ["iproute"]);
        assert_eq!(Distribution::Debian.packages(Tool::Ip), ["iproute2"]);
        assert_eq!(Distribution::Alpine.packages(Tool::CCompiler), ["gcc", "musl-dev"]);
        assert_eq!(Distribution::Fedora.packages(Tool::CxxCompiler), ["gcc-c++"]);
    }
}
