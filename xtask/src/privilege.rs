//! Whether we are root: attaching XDP programs, making network namespaces and installing packages need it.

use std::fs;

use anyhow::{Context, Result};

pub(crate) fn is_root() -> Result<bool> {
    let path = "/proc/self/status";
    let status = fs::read_to_string(path)
        .with_context(|| format!("cannot read {path} to learn the user id; is /proc mounted?"))?;
    let uid = effective_uid(&status).with_context(|| format!("{path} has no `Uid:` line with an effective user id"))?;
    Ok(uid == 0)
}

/// The second number of the line `Uid: real effective saved filesystem`.
fn effective_uid(status: &str) -> Option<u32> {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::effective_uid;

    #[test]
    fn the_effective_id_counts_not_the_real_one() {
        let status = "Name:\txtask\nUid:\t1000\t0\t1000\t1000\nGid:\t7\t7\t7\t7\n";
        assert_eq!(effective_uid(status), Some(0));
        assert_eq!(effective_uid("Name:\txtask\n"), None);
    }
}
