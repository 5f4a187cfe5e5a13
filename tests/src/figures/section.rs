use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// Writes `text` into the section `name` of the document at `path`, in place of what was there: between `<!-- name: begin -->` and
/// `<!-- name: end -->`, each on a line of its own.
///
/// # Errors
/// When the document cannot be read or written, or does not have both markers once.
pub fn replace_section(path: &Path, name: &str, text: &str) -> Result<()> {
    let about = || format!("{}: section {name}", path.display());
    let document = fs::read_to_string(path).with_context(about)?;
    fs::write(path, replaced(&document, name, text).with_context(about)?).with_context(about)
}

/// What is in the section `name` of the document at `path`.
///
/// # Errors
/// When the document cannot be read, or has no such section.
pub fn section(path: &Path, name: &str) -> Result<String> {
    let about = || format!("{}: section {name}", path.display());
    let document = fs::read_to_string(path).with_context(about)?;
    let (_, rest) = document.split_once(&marker(name, "begin")).with_context(about)?;
    let (section, _) = rest.split_once(&marker(name, "end")).with_context(about)?;
    Ok(section.trim().to_owned())
}

fn marker(name: &str, what: &str) -> String {
    format!("<!-- {name}: {what} -->\n")
}

fn replaced(document: &str, name: &str, text: &str) -> Result<String> {
    let [begin, end] = ["begin", "end"].map(|what| marker(name, what));
    for marker in [&begin, &end] {
        let times = document.matches(marker.as_str()).count();
        ensure!(times == 1, "the line {:?} is there {times} times, and should be once", marker.trim_end());
    }
    let (before, rest) = document.split_once(&begin).context("no beginning")?;
    let (_, after) = rest.split_once(&end).context("its end comes before its beginning")?;
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str =
        "# Title\n<!-- a: begin -->\nold\n<!-- a: end -->\nmore\n<!-- b: begin -->\n<!-- b: end -->\n";

    #[test]
    fn only_the_section_changes() {
        let first = replaced(DOCUMENT, "a", "new\n").unwrap();
        assert_eq!(first, DOCUMENT.replace("old\n", "\nnew\n\n"));
        assert_eq!(replaced(&first, "a", "\nnew").unwrap(), first, "twice is like once");
    }

    #[test]
    fn a_section_that_is_not_there_or_twice_is_named() {
        let error = replaced(DOCUMENT, "c", "").unwrap_err().to_string();
        assert_eq!(error, "the line \"<!-- c: begin -->\" is there 0 times, and should be once");
        assert!(replaced(&DOCUMENT.repeat(2), "a", "").unwrap_err().to_string().contains("2 times"));
        assert!(replaced("<!-- a: end -->\n<!-- a: begin -->\n", "a", "").is_err());
    }
}
