//! The shape of the configuration file. Values that have to be checked are kept with their place in the text.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::{Spanned, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub(super) agent: Agent,
    pub(super) api: Option<Spanned<Api>>,
    pub(super) dashboard: Option<Spanned<Dashboard>>,
    #[serde(default)]
    pub(super) analysis: Analysis,
    #[serde(default)]
    pub(super) applications: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub(super) icmp: Icmp,
    #[serde(default)]
    pub(super) flow_table: FlowTable,
    pub(super) announce: Option<Announce>,
    pub(super) tickets: Option<Spanned<Tickets>>,
    #[serde(default, rename = "service")]
    pub(super) services: Vec<Spanned<Service>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Agent {
    pub(super) interfaces: Spanned<Vec<Spanned<String>>>,
    pub(super) xdp_mode: Option<Spanned<String>>,
    pub(super) control_socket: Option<Spanned<String>>,
    pub(super) pin_folder: Option<Spanned<String>>,
    pub(super) state_folder: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) watch: bool,
    pub(super) removal_grace: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) measure_run_time: bool,
    pub(super) metrics: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Api {
    pub(super) listen: Spanned<String>,
    pub(super) certificate: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) client_ca: Spanned<String>,
    #[serde(default)]
    pub(super) admins: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Dashboard {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
    pub(super) client_ca: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) admins: Vec<Spanned<String>>,
    pub(super) token_file: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tickets {
    pub(super) listen: Spanned<String>,
    pub(super) certificate: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) client_ca: Spanned<String>,
    pub(super) folder: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) revoked_nodes: Vec<Spanned<String>>,
    pub(super) cluster: Option<TicketCluster>,
    #[serde(default, rename = "ring")]
    pub(super) rings: Vec<Spanned<TicketRing>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TicketCluster {
    pub(super) name: Spanned<String>,
    pub(super) etcd: Spanned<Vec<Spanned<String>>>,
    pub(super) seal_key: Spanned<String>,
    pub(super) peers: Spanned<BTreeMap<Spanned<String>, Spanned<String>>>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) ttl: Option<Spanned<String>>,
    pub(super) ca: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TicketRing {
    pub(super) name: Spanned<String>,
    pub(super) services: Spanned<Vec<Spanned<String>>>,
    pub(super) identity: Spanned<String>,
    pub(super) server: Spanned<String>,
    pub(super) rotation: Option<Spanned<String>>,
    pub(super) lifetime: Option<Spanned<String>>,
    pub(super) guard: Option<Spanned<String>>,
    pub(super) min_ready: Option<Spanned<i64>>,
    pub(super) probe_interval: Option<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Analysis {
    pub(super) samples: Option<Spanned<i64>>,
    pub(super) server_names: Option<bool>,
    pub(super) history: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Icmp {
    pub(super) answer_echo: Option<bool>,
    pub(super) echo_rate: Option<Spanned<i64>>,
    pub(super) too_big_rate: Option<Spanned<i64>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FlowTable {
    pub(super) flows: Option<Spanned<i64>>,
    pub(super) clients: Option<Spanned<i64>>,
    pub(super) keys: Option<bool>,
    pub(super) half_open_timeout: Option<Spanned<String>>,
    pub(super) closing_timeout: Option<Spanned<String>>,
    pub(super) tcp_timeout: Option<Spanned<String>>,
    pub(super) udp_timeout: Option<Spanned<String>>,
    pub(super) idle_after: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Announce {
    pub(super) by: Spanned<String>,
    pub(super) when: Option<Spanned<String>>,
    pub(super) hold: Option<Spanned<String>>,
    pub(super) drain_wait: Option<Spanned<String>>,
    pub(super) repeat: Option<Spanned<String>>,
    pub(super) socket: Option<Spanned<String>>,
    pub(super) file: Option<Spanned<String>>,
    pub(super) communities: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) as_number: Option<Spanned<i64>>,
    pub(super) pipe: Option<Spanned<String>>,
    pub(super) command: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) interfaces: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Service {
    pub(super) name: Spanned<String>,
    pub(super) vip: Spanned<String>,
    /// A number or a string.
    pub(super) port: Spanned<Value>,
    pub(super) protocol: Option<Spanned<String>>,
    pub(super) scheduler: Option<Spanned<String>>,
    pub(super) forwarding: Option<Spanned<String>>,
    pub(super) tunnel_source: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) gue_port: Option<Spanned<i64>>,
    pub(super) idle_timeout: Option<Spanned<String>>,
    pub(super) one_packet: Option<Spanned<bool>>,
    pub(super) affinity: Option<Affinity>,
    pub(super) allow: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) allow_file: Option<Spanned<String>>,
    pub(super) deny: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) deny_file: Option<Spanned<String>>,
    pub(super) new_flow_rate: Option<Spanned<i64>>,
    pub(super) new_flow_rate_per_source: Option<Spanned<i64>>,
    pub(super) source_prefix: Option<Spanned<i64>>,
    pub(super) source_prefix_v6: Option<Spanned<i64>>,
    pub(super) flood_above: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) quic: Vec<Spanned<Quic>>,
    pub(super) health: Option<Health>,
    pub(super) slow_start: Option<Spanned<String>>,
    pub(super) all_down: Option<Spanned<String>>,
    pub(super) min_ready: Option<Spanned<i64>>,
    pub(super) announce: Option<bool>,
    pub(super) backends: Spanned<Vec<Spanned<Backend>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Affinity {
    pub(super) by: Option<Spanned<String>>,
    pub(super) window: Spanned<String>,
    pub(super) reset: Option<Spanned<String>>,
    pub(super) prefix: Option<Spanned<i64>>,
    pub(super) prefix_v6: Option<Spanned<i64>>,
    pub(super) max_load: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Quic {
    pub(super) codepoint: Spanned<i64>,
    pub(super) server_id_length: Spanned<i64>,
    pub(super) nonce_length: Spanned<i64>,
    pub(super) key_file: Option<Spanned<String>>,
    pub(super) servers: Spanned<BTreeMap<Spanned<String>, Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Health {
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    pub(super) via: Option<Spanned<String>>,
    pub(super) port: Option<Spanned<i64>>,
    pub(super) interval: Option<Spanned<String>>,
    pub(super) timeout: Option<Spanned<String>>,
    pub(super) jitter: Option<Spanned<f64>>,
    pub(super) rise: Option<Spanned<i64>>,
    pub(super) fall: Option<Spanned<i64>>,
    pub(super) method: Option<Spanned<String>>,
    pub(super) path: Option<Spanned<String>>,
    pub(super) host: Option<Spanned<String>>,
    pub(super) status: Option<Spanned<String>>,
    pub(super) body: Option<Spanned<String>>,
    pub(super) sni: Option<Spanned<String>>,
    pub(super) ca_file: Option<Spanned<String>>,
    pub(super) insecure: Option<Spanned<bool>>,
    pub(super) send: Option<Spanned<String>>,
    pub(super) expect: Option<Spanned<String>>,
    pub(super) name: Option<Spanned<String>>,
    pub(super) record: Option<Spanned<String>>,
    pub(super) rcode: Option<Spanned<String>>,
    pub(super) tls: Option<Spanned<bool>>,
    pub(super) service: Option<Spanned<String>>,
    pub(super) command: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Backend {
    pub(super) name: Spanned<String>,
    pub(super) address: Spanned<String>,
    pub(super) weight: Option<Spanned<i64>>,
    pub(super) vlan: Option<Spanned<Vec<Spanned<i64>>>>,
    pub(super) mac: Option<Spanned<String>>,
    pub(super) interface: Option<Spanned<String>>,
}
