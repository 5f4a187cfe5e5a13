use super::types::{Samples, Snapshot};
use std::borrow::Cow;

/// Put among a request's extensions, it keeps from the answer whatever tells of single clients: their addresses, and the names that they
/// ask for. Whoever asks may only know numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Discreet;

/// The snapshot as whoever asks may know it.
pub(super) fn shown_to(discreet: Option<Discreet>, snapshot: &Snapshot) -> Cow<'_, Snapshot> {
    match discreet {
        None => Cow::Borrowed(snapshot),
        Some(Discreet) => Cow::Owned(Snapshot { samples: without_clients(&snapshot.samples), ..snapshot.clone() }),
    }
}

fn without_clients(samples: &Samples) -> Samples {
    let mut samples = samples.clone();
    samples.talkers.clear();
    samples.hellos.iter_mut().for_each(|hellos| hellos.server_names.clear());
    samples
}
