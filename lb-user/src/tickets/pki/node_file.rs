use super::Name;
use super::folder::File;
use hyper::Uri;

/// Where the files of a back-end belong on it.
pub const NODE_FOLDER: &str = "/etc/handoff";

/// The configuration of a back-end that gets keys from these agents.
pub(super) fn file(node: &Name, agents: &[Uri]) -> File {
    let agents: Vec<_> = agents.iter().map(|url| format!("{:?}", url.to_string().trim_end_matches('/'))).collect();
    let agents = agents.join(", ");
    File::public(
        "tickets.toml",
        format!(
            r#"# What `handoff tickets pull` does on the back-end {node}. It belongs to {NODE_FOLDER}, with the files beside it.

# Who gives out keys. While one does not answer, another is asked.
agents = [{agents}]
# Who this back-end is to them. The certificate names it {node}; the key is for nobody else to read.
certificate = "{NODE_FOLDER}/node.pem"
key = "{NODE_FOLDER}/node.key"
# Who has signed the agents' certificates.
ca = "{NODE_FOLDER}/ca.pem"

# A table for each ring of keys that a server on this back-end takes part in:
# [[ring]]
# As the agent's configuration calls it.
# name = "web"
# What the server is: "nginx", "haproxy", "apache", "envoy", or "exec" for another one.
# driver = "nginx"
# Where its keys go: in memory (tmpfs), a folder of its own.
# folder = "/run/handoff-tickets/web"
"#
        ),
    )
}
