use super::*;
use crate::top::testing::{flows, view};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;

/// A terminal that is as small as most begin with, and one that fills a screen.
const SIZES: [(u16, u16); 2] = [(80, 24), (200, 50)];

fn drawn(view: &View, (width, height): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(view, frame)).unwrap();
    terminal
}

fn pressed(keys: &str) -> View {
    let mut view = view();
    view.update_flows(flows());
    for key in keys.chars() {
        assert_eq!(view.press(KeyCode::Char(key).into()), None);
    }
    view
}

#[test]
fn every_tab_is_readable_at_both_sizes() {
    for (name, keys) in [("overview", "1"), ("services", "2"), ("back-ends", "3j"), ("flows", "4"), ("drops", "5>>")] {
        for size in SIZES {
            let terminal = drawn(&pressed(keys), size);
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), terminal.backend());
        }
    }
}

#[test]
fn dialogs_are_in_front() {
    insta::assert_snapshot!("help", drawn(&pressed("3?"), SIZES[0]).backend());
    insta::assert_snapshot!("confirm", drawn(&pressed("3d"), SIZES[0]).backend());
    insta::assert_snapshot!("filter", drawn(&pressed("3/server-2"), SIZES[0]).backend());
    let mut lost = pressed("2");
    lost.lose("/run/handoff/control.sock: no agent answers".to_owned());
    insta::assert_snapshot!("lost", drawn(&lost, SIZES[0]).backend());
}

#[test]
fn no_terminal_is_too_small_to_draw_on() {
    for keys in ["1", "2", "3", "4", "5", "3?", "3d"] {
        for size in [(1, 1), (5, 3), (20, 8), (80, 4), (3, 40)] {
            drawn(&pressed(keys), size);
        }
    }
}
