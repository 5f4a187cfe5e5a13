//! Step 6: what the network said of congestion, outside and inside (RFC 6040, 4.2).

use crate::wire::Ecn;

/// What the packet inside is to say when it comes out; `None` when it must not come out.
#[inline(always)]
pub(super) fn combine(inner: Ecn, outer: Ecn) -> Option<Ecn> {
    match (inner, outer) {
        (Ecn::NOT_ECT, Ecn::CE) => None,
        (Ecn::NOT_ECT, _) => Some(Ecn::NOT_ECT),
        (_, Ecn::CE) => Some(Ecn::CE),
        // Congestion that is about to begin (RFC 6660) is marked from zero to one.
        (Ecn::ECT_0, Ecn::ECT_1) => Some(Ecn::ECT_1),
        (inner, _) => Some(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_4_of_rfc_6040() {
        const NOT_ECT: Option<Ecn> = Some(Ecn::NOT_ECT);
        const ECT_0: Option<Ecn> = Some(Ecn::ECT_0);
        const ECT_1: Option<Ecn> = Some(Ecn::ECT_1);
        const CE: Option<Ecn> = Some(Ecn::CE);
        let outer = [Ecn::NOT_ECT, Ecn::ECT_0, Ecn::ECT_1, Ecn::CE];
        for (inner, expected) in [
            (Ecn::NOT_ECT, [NOT_ECT, NOT_ECT, NOT_ECT, None]),
            (Ecn::ECT_0, [ECT_0, ECT_0, ECT_1, CE]),
            (Ecn::ECT_1, [ECT_1, ECT_1, ECT_1, CE]),
            (Ecn::CE, [CE, CE, CE, CE]),
        ] {
            assert_eq!(outer.map(|outer| combine(inner, outer)), expected, "{inner:?} inside");
        }
    }
}
