use super::histories::Histories;
use super::measured::Measured;
use super::sheet::{Sheet, Sorting, Subject};
use super::sheets;
use crate::control::types::{FlowList, History, OverrideRequest, SeriesOf, Snapshot, Verb};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::time::Instant;

/// All that is shown, and what the operator looks at.
pub struct View {
    pub(super) snapshot: Snapshot,
    pub(super) measured: Measured,
    pub(super) histories: Histories,
    pub(super) flows: Option<FlowList>,
    pub(super) tab: Tab,
    pub(super) mode: Mode,
    pub(super) filter: String,
    /// What came of the last order.
    pub(super) notice: Option<String>,
    /// Why the agent does not answer any more.
    pub(super) lost: Option<String>,
    places: [Place; Tab::ALL.len()],
}

/// What the command has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// End.
    Quit,
    /// Tell the agent.
    Say(OverrideRequest),
}

/// What the keys are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To look around.
    Browse,
    /// To type a filter.
    Filter,
    /// To close the help.
    Help,
    /// To say yes or no.
    Confirm(OverrideRequest),
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Services,
    Backends,
    Flows,
    Drops,
}

impl Tab {
    pub(super) const ALL: [Self; 5] = [Self::Overview, Self::Services, Self::Backends, Self::Flows, Self::Drops];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Services => "Services",
            Self::Backends => "Back-ends",
            Self::Flows => "Flows",
            Self::Drops => "Drops",
        }
    }

    /// The one that is so many further on, in a circle.
    fn further(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// Where the operator is in a tab.
#[derive(Clone, Debug, Default)]
struct Place {
    sorting: Option<Sorting>,
    /// What the row under the cursor is about.
    subject: Option<Subject>,
}

impl View {
    /// The first picture. `history` is what was before it, if the agent tells.
    pub fn new(snapshot: Snapshot, history: Option<History>, now: Instant) -> Self {
        let mut measured = Measured::default();
        measured.update(&snapshot, now);
        Self {
            snapshot,
            measured,
            histories: history.map(Histories::of).unwrap_or_default(),
            flows: None,
            tab: Tab::Overview,
            mode: Mode::Browse,
            filter: String::new(),
            notice: None,
            lost: None,
            places: Default::default(),
        }
    }

    /// The next picture, a second later.
    pub fn update(&mut self, snapshot: Snapshot, now: Instant) {
        self.measured.update(&snapshot, now);
        self.histories.push(&self.measured);
        self.snapshot = snapshot;
        self.lost = None;
    }

    /// There is no picture: the agent does not answer. The last one stays.
    pub fn lose(&mut self, reason: String) {
        self.measured.lose();
        self.histories.push(&self.measured);
        self.lost = Some(reason);
    }

    /// Whether flows are shown, which are no part of the picture.
    pub fn wants_flows(&self) -> bool {
        self.tab == Tab::Flows
    }

    /// The flows that there are now.
    pub fn update_flows(&mut self, flows: FlowList) {
        self.flows = Some(flows);
    }

    /// What the agent says of an order.
    pub fn notify(&mut self, notice: String) {
        self.notice = Some(notice);
    }

    /// The table of the tab that is shown, filtered and sorted; the overview has none.
    pub(super) fn sheet(&self) -> Option<Sheet> {
        let mut sheet = match self.tab {
            Tab::Overview => return None,
            Tab::Services => sheets::services(&self.snapshot, &self.measured),
            Tab::Backends => sheets::backends(&self.snapshot, &self.measured),
            Tab::Flows => sheets::flows(self.flows.as_ref()),
            Tab::Drops => sheets::drops(&self.snapshot, &self.measured),
        };
        sheet.arrange(&self.filter, self.sorting());
        Some(sheet)
    }

    pub(super) fn sorting(&self) -> Option<Sorting> {
        self.places[self.tab as usize].sorting
    }

    /// What the row under the cursor is about.
    pub(super) fn subject(&self) -> Option<&Subject> {
        self.places[self.tab as usize].subject.as_ref()
    }

    /// A key was pressed.
    pub fn press(&mut self, key: KeyEvent) -> Option<Order> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Some(Order::Quit);
        }
        match &self.mode {
            Mode::Browse => return self.browse(key.code),
            Mode::Filter => self.type_filter(key.code),
            Mode::Help => self.mode = Mode::Browse,
            Mode::Confirm(request) => {
                let said = matches!(key.code, KeyCode::Char('y' | 'Y')).then(|| Order::Say(request.clone()));
                self.mode = Mode::Browse;
                return said;
            }
        }
        None
    }

    fn browse(&mut self, key: KeyCode) -> Option<Order> {
        self.notice = None;
        match key {
            KeyCode::Char('q') | KeyCode::F(10) => return Some(Order::Quit),
            KeyCode::Char('?') | KeyCode::F(1) => self.mode = Mode::Help,
            KeyCode::Char('/') => self.mode = Mode::Filter,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char(digit @ '1'..='5') => self.tab = Tab::ALL[digit as usize - '1' as usize],
            KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => self.tab = self.tab.further(1),
            KeyCode::BackTab | KeyCode::Left | KeyCode::Char('h') => self.tab = self.tab.further(Tab::ALL.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.move_by(1),
            KeyCode::Up | KeyCode::Char('k') => self.move_by(-1),
            KeyCode::PageDown => self.move_by(10),
            KeyCode::PageUp => self.move_by(-10),
            KeyCode::Home | KeyCode::Char('g') => self.move_by(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.move_by(isize::MAX),
            KeyCode::Char('>') => self.sort_by_next(1),
            KeyCode::Char('<') => self.sort_by_next(-1),
            KeyCode::Char('r') => self.reverse(),
            KeyCode::Char('d') => self.ask_to(Verb::Drain),
            KeyCode::Char('u') => self.ask_to(Verb::Undrain),
            _ => {}
        }
        None
    }

    fn type_filter(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.mode = Mode::Browse,
            KeyCode::Esc => {
                self.filter.clear();
                self.mode = Mode::Browse;
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
    }

    /// Moves the cursor by so many rows, as far as there are any.
    fn move_by(&mut self, rows: isize) {
        let Some(sheet) = self.sheet() else { return };
        let last = sheet.rows.len().saturating_sub(1);
        let row = sheet.position(self.subject()).saturating_add_signed(rows).min(last);
        self.places[self.tab as usize].subject = sheet.rows.get(row).map(|row| row.of.clone());
    }

    /// Sorts by the column after or before, in a circle through the order of the configuration. Most come first, of numbers.
    fn sort_by_next(&mut self, step: isize) {
        let Some(sheet) = self.sheet() else { return };
        // The place before the first column is for no sorting at all.
        let places = sheet.columns.len() as isize + 1;
        let place = self.sorting().map_or(0, |sorting| sorting.column as isize + 1);
        let next = (place + step).rem_euclid(places);
        self.places[self.tab as usize].sorting = usize::try_from(next - 1).ok().map(|column| {
            let descending =
                sheet.rows.iter().any(|row| row.cells.get(column).is_some_and(super::sheet::Cell::is_number));
            Sorting { column, descending }
        });
    }

    fn reverse(&mut self) {
        if let Some(sorting) = &mut self.places[self.tab as usize].sorting {
            sorting.descending = !sorting.descending;
        }
    }

    /// Asks whether that is really to be done with the back-end under the cursor.
    fn ask_to(&mut self, verb: Verb) {
        let Some(sheet) = self.sheet().filter(|_| self.tab == Tab::Backends) else { return };
        let row = sheet.rows.get(sheet.position(self.subject()));
        if let Some(Subject::Series(SeriesOf::Backend { service, backend })) = row.map(|row| &row.of) {
            let (service, backend) = (Some(service.clone()), backend.clone());
            self.mode = Mode::Confirm(OverrideRequest { service, backend, verb, force: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::testing::{flows, snapshot, view};

    fn press(view: &mut View, keys: &str) -> Option<Order> {
        keys.chars().fold(None, |_, key| {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '\t' => KeyCode::Tab,
                letter => KeyCode::Char(letter),
            };
            view.press(code.into())
        })
    }

    fn names(view: &View, column: usize) -> Vec<String> {
        view.sheet().unwrap().rows.iter().map(|row| row.cells[column].text.clone()).collect()
    }

    #[test]
    fn a_drain_has_to_be_confirmed() {
        let mut view = view();
        let drain = |backend: &str, verb| {
            Some(Order::Say(OverrideRequest {
                service: Some("web".into()),
                backend: backend.into(),
                verb,
                force: false,
            }))
        };
        assert_eq!(press(&mut view, "3jdy"), drain("server-2", Verb::Drain));
        assert_eq!(press(&mut view, "uy"), drain("server-2", Verb::Undrain));
        for not in ["dn", "d\x1b", "d\n"] {
            assert_eq!(press(&mut view, not), None);
            assert_eq!(view.mode, Mode::Browse);
        }
        // There is no back-end under the cursor elsewhere.
        assert_eq!(press(&mut view, "2dy"), None);
        assert_eq!(press(&mut view, "1dy"), None);
    }

    #[test]
    fn the_cursor_stays_with_its_back_end_while_rows_move() {
        let mut view = view();
        press(&mut view, "3j");
        assert_eq!(names(&view, 1), ["server-1", "server-2"]);
        // By the name, the other way round.
        press(&mut view, ">>r");
        assert_eq!(names(&view, 1), ["server-2", "server-1"]);
        let Some(Order::Say(request)) = press(&mut view, "dy") else { panic!("no order") };
        assert_eq!(request.backend, "server-2");
    }

    #[test]
    fn numbers_are_sorted_with_the_most_first() {
        let mut view = view();
        press(&mut view, "3>>>>>");
        assert_eq!(view.sorting(), Some(Sorting { column: 4, descending: true }));
        press(&mut view, "<<<<<");
        assert_eq!(view.sorting(), None);
    }

    #[test]
    fn the_filter_is_typed_kept_and_cleared() {
        let mut view = view();
        assert_eq!(press(&mut view, "3/server-2q\n"), None);
        assert_eq!(names(&view, 1), [""; 0]);
        press(&mut view, "\x1b/server-2\n");
        assert_eq!(names(&view, 1), ["server-2"]);
        press(&mut view, "\x1b");
        assert_eq!(names(&view, 1).len(), 2);
    }

    #[test]
    fn tabs_go_round_and_flows_are_asked_for_when_they_are_shown() {
        let mut view = view();
        press(&mut view, "\t\t\t");
        assert!(view.wants_flows() && names(&view, 0).is_empty());
        view.update_flows(flows());
        assert_eq!(names(&view, 0), ["198.18.0.1:40000", "unknown 2"]);
        press(&mut view, "\t\t");
        assert_eq!(view.tab, Tab::Overview);
        assert_eq!(press(&mut view, "q"), Some(Order::Quit));
        assert_eq!(view.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Order::Quit));
    }

    #[test]
    fn an_agent_that_is_gone_leaves_its_last_picture_without_rates() {
        let mut view = view();
        view.lose("no agent answers".to_owned());
        press(&mut view, "3");
        assert_eq!(
            (names(&view, 3), names(&view, 4)),
            (vec!["-".to_owned(); 2], vec!["20".to_owned(), "10".to_owned()])
        );
        view.update(snapshot(9), Instant::now());
        assert_eq!(view.lost, None);
    }
}
