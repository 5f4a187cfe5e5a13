//! Numbers as people read them.

/// `count` with a comma between thousands.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let (first, rest) = digits.split_at((digits.len() - 1) % 3 + 1);
    rest.as_bytes().chunks(3).fold(first.to_owned(), |text, group| text + "," + &String::from_utf8_lossy(group))
}

/// `count` bytes in the largest binary unit that leaves at least one.
pub(crate) fn bytes(count: u64) -> String {
    let mut size = count as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if size < 1_024.0 {
            break;
        }
        (size, unit) = (size / 1_024.0, larger);
    }
    if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") }
}

/// `part` of 1 in hundredths.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1_023, 1_024, 16 << 20].map(bytes), ["0 B", "1023 B", "1.0 KiB", "16.0 MiB"]);
        assert_eq!([0.0, 0.333, 1.0].map(percent), ["0.0 %", "33.3 %", "100.0 %"]);
    }
}
