//! A bucket of the flow table finds what it remembers, and gives up nothing but what it may.
#![no_main]

use lb_fuzz::bucket::Trial;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| Trial::default().play(input));
