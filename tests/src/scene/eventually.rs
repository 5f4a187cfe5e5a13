use anyhow::{Result, bail};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asks again and again until it is so. `what` says what is waited for.
///
/// # Errors
/// When asking fails, or it is not so within a minute, which is many times what anything here takes.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so()? {
        if Instant::now() > deadline {
            bail!("waited a minute in vain: {what}");
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}
