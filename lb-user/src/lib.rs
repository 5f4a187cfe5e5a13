//! Handoff's agent: it loads the XDP program, tells it who serves what, keeps that true, and answers for it.
//!
//! The core knows neither the kernel nor the network: [`config`] says what the operator wants, [`state`] compares it with what the
//! maps say, [`schedule`] makes the rings. [`bpf`] is the data plane in the kernel, behind the trait of [`dataplane`];
//! [`network`] knows the way to the back-ends; [`agent`] brings all of them together. [`decap`] is what runs on a back-end instead;
//! [`doctor`] says why either does not do its work.

#![deny(unsafe_code)]
#![deny(missing_docs)]

pub mod agent;
pub mod analysis;
pub mod announce;
pub mod bpf;
pub mod capture;
pub mod cli;
pub mod config;
pub mod control;
pub mod dashboard;
pub mod dataplane;
pub mod decap;
pub mod doctor;
pub mod health;
pub mod lab;
pub mod metrics;
pub mod network;
mod program;
pub mod report;
mod rows;
pub mod schedule;
pub mod state;
pub mod tickets;
pub mod top;
mod units;
