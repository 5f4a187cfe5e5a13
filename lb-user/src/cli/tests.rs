use super::*;

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn every_command_shows_an_example() {
    for command in CommandLine::command().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains(&format!("handoff {}", command.get_name())), "{}", command.get_name());
    }
}

#[test]
fn numbers_and_sizes_are_readable() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(output::number), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!([0, 1_023, 1_024, 16 << 20].map(output::bytes), ["0 B", "1023 B", "1.0 KiB", "16.0 MiB"]);
}
