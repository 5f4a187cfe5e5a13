/// The ring of round robin: every back-end once, in the order of their slots.
pub(super) fn round_robin_ring(slots: impl Iterator<Item = u16>) -> Vec<u16> {
    let mut ring: Vec<u16> = slots.collect();
    ring.sort_unstable();
    ring
}
