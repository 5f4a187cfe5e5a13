//! End-to-end tests: the real program in network namespaces, with real connections.
//!
//! They need root; those that measure run one at a time (`cargo xtask test e2e`).

mod affinity;
mod analysis;
mod announce;
mod api;
mod bad_input;
mod capture;
mod capture_pcap;
mod changes;
mod chaos;
mod dashboard;
mod dashboard_tls;
mod decap;
mod decap_host;
mod doctor;
mod exposure;
mod failing_backends;
mod flood;
mod fragments_and_echo;
mod health;
mod in_the_way;
mod interfaces;
mod lab;
mod modes;
mod neighbours;
mod passing;
mod path_mtu;
mod rights;
mod run_time;
mod see_why;
mod service_manager;
mod sessions;
mod smoke;
mod take_over;
mod ticket_drivers;
mod ticket_failures;
mod tickets;
mod tickets_cluster;
mod tickets_takeover;
mod top;
mod traffic_report;
mod udp;
mod upgrade;
