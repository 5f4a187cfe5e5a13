//! What docs/security.md says of running agents.

use anyhow::Result;
use lb_tests::exposure;
use lb_tests::figures::section;
use std::path::Path;

#[test]
fn the_document_says_what_is_found() -> Result<()> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let (found, said) = (exposure::section()?, section(&document, "exposure")?);
    assert_eq!(said, found.trim(), "`cargo xtask security --publish` writes what is found");
    Ok(())
}
