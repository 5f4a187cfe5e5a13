use super::*;
use crate::config::DEFAULT_SOCKET;
use std::path::PathBuf;

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
fn who_may_not_talk_to_the_agent_is_told_so_by_the_exit_code() {
    let path = PathBuf::from(DEFAULT_SOCKET);
    let code = |error: control::Error| exit_code(&error.into());
    assert_eq!(code(control::Error::Denied { path: path.clone() }), ExitCode::from(77));
    assert_eq!(code(control::Error::Taken { path }), ExitCode::FAILURE);
}

#[test]
fn the_options_of_another_machines_agent_belong_together() {
    let parses = |args: &[&str]| CommandLine::try_parse_from([&["handoff", "status"], args].concat()).is_ok();
    let all = ["--api", "https://10.0.0.1:9443", "--cert", "c", "--key", "k", "--ca", "a"];
    assert!(parses(&[]) && parses(&all));
    for without in 0..4 {
        let some: Vec<_> =
            all.chunks(2).enumerate().filter(|(pair, _)| *pair != without).flat_map(|(_, it)| it).collect();
        assert!(!parses(&some.into_iter().copied().collect::<Vec<_>>()), "{}", all[2 * without]);
    }
}

#[test]
fn columns_are_aligned_and_alarming_rows_are_coloured() {
    let rows = [
        output::Row::from(vec!["a".to_owned(), "1".to_owned()]),
        output::Row::marked(vec!["bb".to_owned(), "22".to_owned()], true),
    ];
    let text = output::table(&["NAME", "COUNT>"], rows.into_iter());
    assert_eq!(text, "NAME  COUNT\na         1\n\u{1b}[33mbb       22\u{1b}[0m");
}
