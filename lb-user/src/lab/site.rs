use super::namespace::{self, Namespace};
use super::{Error, Node};
use std::path::PathBuf;

/// Where a lab is: everything that it makes outside its own processes has a name that follows from the lab's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    name: String,
}

impl Site {
    /// The place of the lab with this name.
    ///
    /// # Errors
    /// When the name would not do in file and namespace names.
    pub fn named(name: &str) -> Result<Self, Error> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=32).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-') {
            Ok(Self { name: name.to_owned() })
        } else {
            Err(Error::Name(name.to_owned()))
        }
    }

    /// Name of the lab.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Namespace of `node`, whether it exists or not.
    pub fn namespace(&self, node: Node) -> Namespace {
        Namespace::named(format!("{}{node}", self.prefix()))
    }

    /// The lab's namespaces that exist. Another lab's name may begin with this one's: only names of nodes count.
    pub fn existing_namespaces(&self) -> Vec<Namespace> {
        let prefix = self.prefix();
        let of_a_node = |name: &str| name.strip_prefix(&prefix).is_some_and(|node| node.parse::<Node>().is_ok());
        namespace::existing().into_iter().filter(|namespace| of_a_node(namespace.name())).collect()
    }

    /// Folder of configuration, log and socket.
    pub fn run_folder(&self) -> PathBuf {
        PathBuf::from(format!("/run/handoff-lab-{}", self.name))
    }

    /// Folder of all pins.
    pub fn pins(&self) -> PathBuf {
        PathBuf::from(format!("/sys/fs/bpf/handoff-lab-{}", self.name))
    }

    /// Folder that links and maps of `node` are pinned in.
    pub fn pin_folder(&self, node: Node) -> PathBuf {
        self.pins().join(node.to_string())
    }

    /// Whoever has this file locked owns all the rest.
    pub fn lock_file(&self) -> PathBuf {
        PathBuf::from(format!("/run/handoff-lab-{}.lock", self.name))
    }

    /// Configuration of the agent.
    pub fn config_file(&self) -> PathBuf {
        self.run_folder().join("handoff.toml")
    }

    /// Control socket of the agent.
    pub fn control_socket(&self) -> PathBuf {
        self.run_folder().join("control.sock")
    }

    /// What outlives the agent.
    pub fn state_folder(&self) -> PathBuf {
        self.run_folder().join("state")
    }

    /// What the agent says.
    pub fn agent_log(&self) -> PathBuf {
        self.run_folder().join("agent.log")
    }

    fn prefix(&self) -> String {
        format!("ho-{}-", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_named_after_the_lab() {
        let site = Site::named("two").unwrap();
        assert_eq!(site.namespace(Node::Server(3)).name(), "ho-two-server-3");
        assert_eq!(site.control_socket(), PathBuf::from("/run/handoff-lab-two/control.sock"));
        assert_eq!(site.pin_folder(Node::Balancer), PathBuf::from("/sys/fs/bpf/handoff-lab-two/balancer"));
    }

    #[test]
    fn a_name_cannot_leave_its_folder() {
        for name in ["", "-x", "a/b", "..", "A", "a b", &"x".repeat(33)] {
            assert!(matches!(Site::named(name), Err(Error::Name(_))), "{name:?}");
        }
    }
}
