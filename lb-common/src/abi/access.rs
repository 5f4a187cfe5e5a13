use super::Address;

/// Whether a source may open flows. Value of the map `ACCESS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Action(pub u32);

impl Action {
    /// It may not.
    pub const DENY: Self = Self(0);
    /// It may.
    pub const ALLOW: Self = Self(1);
}

/// A source in an access list. Key of the map `ACCESS`, whose longest prefix decides: all bits of `list` and some of `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct AccessKey {
    /// Which list.
    pub list: AccessList,
    /// A source address, or the prefix of one.
    pub source: Address,
}

const _: () = assert!(size_of::<AccessKey>() == 24);

/// Name of an access list: a digest of its rules, so that equal lists are one and a changed one is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct AccessList(pub [u32; 2]);

impl AccessKey {
    /// Bits of the key in front of the source's.
    pub const LIST_BITS: u32 = 64;
    /// Bits of the whole key.
    pub const BITS: u32 = Self::LIST_BITS + 128;
}
