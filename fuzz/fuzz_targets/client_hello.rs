//! Any bytes are a hello, or none; and of a whole one, less is never more.
#![no_main]

use lb_user::analysis::client_hello::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(hello) = parse(bytes) else { return };
    if let Some(name) = &hello.server_name {
        assert!((1..=253).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    // What is missing is neither made up nor guessed.
    for len in 0..bytes.len() {
        if let Some(cut) = parse(&bytes[..len]) {
            assert!(cut.is_cut || cut == hello, "{cut:?} of {hello:?}");
        }
    }
});
