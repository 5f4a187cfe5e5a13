use super::Prefix;
use std::collections::BTreeMap;

/// Who may connect to a service. Of the prefixes that hold a client's address, the longest decides. Where none does, the client
/// is let in, unless some prefix of the service is allowed: then only those are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What is done with the clients of each prefix. Empty: everybody may connect.
    pub rules: BTreeMap<Prefix, Action>,
}

/// What is done with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It may connect.
    Allow,
    /// Its packets are dropped.
    Deny,
}
