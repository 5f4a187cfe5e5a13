/// Explicit congestion notification: the last two bits of an IPv4 header's type of service or an IPv6 header's traffic class
/// (RFC 3168, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Ecn(u8);

impl Ecn {
    /// The sender does not heed notifications.
    pub const NOT_ECT: Self = Self(0b00);
    /// The sender heeds them, and marks this packet with a one.
    pub const ECT_1: Self = Self(0b01);
    /// The sender heeds them, and marks this packet with a zero: the usual mark.
    pub const ECT_0: Self = Self(0b10);
    /// Congestion was experienced on the way.
    pub const CE: Self = Self(0b11);

    /// All of them, in the order of their bits.
    pub const ALL: [Self; 4] = [Self::NOT_ECT, Self::ECT_1, Self::ECT_0, Self::CE];

    /// Those of a type of service or a traffic class.
    #[inline(always)]
    pub(super) const fn of(class: u8) -> Self {
        Self(class & 0b11)
    }

    /// `class` with these bits for its last two.
    #[inline(always)]
    pub(super) const fn within(self, class: u8) -> u8 {
        class & !0b11 | self.0
    }
}
