//! Whatever comes by the control socket is answered by HTTP or not at all.
#![no_main]

use lb_user::control::converse;
use libfuzzer_sys::fuzz_target;
use std::cell::OnceCell;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// Bytes that are on the way at once: more than any input has.
const ROOM: usize = 64 * 1024;

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    let answer = RUNTIME.with(|runtime| {
        let runtime = runtime.get_or_init(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));
        runtime.block_on(answer_to(bytes))
    });
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", String::from_utf8_lossy(&answer));
});

/// What comes back when the bytes are all that comes.
async fn answer_to(bytes: &[u8]) -> Vec<u8> {
    let (mut client, server) = duplex(ROOM);
    // An agent that is about to end: requests get to it, and it answers none.
    let (agent, mut asked) = mpsc::channel(1);
    let ask = async {
        client.write_all(bytes).await.expect("room");
        client.shutdown().await.expect("the other end is there");
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("the other end closes in good order");
        answer
    };
    let nobody = async { while asked.recv().await.is_some() {} };
    let (answer, (), ()) = tokio::join!(ask, converse(server, agent), nobody);
    answer
}
