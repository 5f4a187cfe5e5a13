//! The S-box of AES (FIPS 197, 5.1.1) and its inverse, without the constant 0x63: see [`super::aes::RoundKeys`].
//!
//! It is computed, with AND and XOR on bit planes: for all bytes of a block at once, and in the same time whatever they are.
//!
//! Its core is the inverse in the field GF(2⁸), which is found in a tower of fields, each of degree two over the one below: the
//! inverse of an element is its conjugate divided by its norm, and the norm is in the field below (Satoh et al., "A Compact Rijndael
//! Hardware Architecture with S-Box Optimization", 2001). Of the bases of such towers, this one takes the fewest XORs to get to and from.

/// One bit of each byte of a block, in the lower half. What the upper half holds is for whoever computes with it to say.
type Plane = u32;

/// The bits of each byte of a block, the lowest first. The upper halves mean nothing.
pub(super) type Byte = [Plane; 8];

/// The S-box.
#[inline(always)]
pub(super) fn substitute(byte: Byte) -> Byte {
    let [a, b, c, d, e, f, g, h] = inverse(to_tower(byte));
    // From the tower, then the matrix of FIPS 197.
    [a ^ g, a ^ b ^ d ^ h, a ^ b ^ c ^ d ^ e, a, a ^ c ^ d ^ e ^ f, c ^ d ^ h, e ^ h, c ^ h]
}

/// The inverse of the S-box.
#[inline(always)]
pub(super) fn inverse_substitute([a, b, c, d, e, f, g, h]: Byte) -> Byte {
    // The inverse of the matrix of FIPS 197, then to the tower.
    from_tower(inverse([d, c ^ d ^ f ^ g, b ^ c ^ g, f ^ h, b ^ c ^ h, d ^ e ^ f ^ g, a ^ d, b ^ c ^ g ^ h]))
}

/// From AES's basis, the powers of a root of `t⁸ + t⁴ + t³ + t + 1`, to that of the tower.
#[inline(always)]
fn to_tower([a, b, c, d, e, f, g, h]: Byte) -> Byte {
    [a ^ b ^ c ^ d ^ h, b ^ d, d ^ e ^ g, b ^ c ^ g ^ h, c ^ d ^ e ^ g ^ h, b ^ e ^ g ^ h, b ^ c ^ d ^ e ^ f ^ g, f ^ h]
}

/// The inverse of [`to_tower`].
#[inline(always)]
fn from_tower([a, b, c, d, e, f, g, h]: Byte) -> Byte {
    [a ^ b ^ c ^ e, e ^ g ^ h, b ^ e ^ f, b ^ e ^ g ^ h, b ^ d ^ e, b ^ c ^ f ^ h, c ^ d ^ g ^ h, b ^ c ^ f]
}

/// The inverse of `a + b·y` over GF(2⁴), where `y² = y + 1 + w·x`: `a + b` and `b`, divided by `a·(a + b) + (1 + w·x)·b²`. 0 of 0.
///
/// The planes have `a` in their lower halves and `b` in their upper ones. So one multiplication does for two, and half as many words
/// have to be kept on the stack.
#[inline(always)]
fn inverse([a0, a1, a2, a3, b0, b1, b2, b3]: Byte) -> Byte {
    let element = [[beside(a0, b0), beside(a1, b1)], [beside(a2, b2), beside(a3, b3)]];
    let b = element.map(|planes| planes.map(|plane| plane >> 16));
    let conjugate = gf16::add(element, b);
    let norm = gf16::add(gf16::multiply(element, conjugate), gf16::scale(gf16::square(b)));
    let divisor = gf16::inverse(norm).map(|planes| planes.map(|plane| beside(plane, plane)));
    let [[c0, c1], [c2, c3]] = gf16::multiply(conjugate, divisor);
    [c0, c1, c2, c3, c0 >> 16, c1 >> 16, c2 >> 16, c3 >> 16]
}

/// The lower halves of two planes in one.
#[inline(always)]
fn beside(lower: Plane, upper: Plane) -> Plane {
    lower & 0xffff | upper << 16
}

/// Elements `a + b·x` over GF(2²), where `x² = x + w`.
mod gf16 {
    use super::gf4;

    pub(super) type Element = [gf4::Element; 2];

    #[inline(always)]
    pub(super) fn add([a, b]: Element, [c, d]: Element) -> Element {
        [gf4::add(a, c), gf4::add(b, d)]
    }

    #[inline(always)]
    pub(super) fn multiply([a, b]: Element, [c, d]: Element) -> Element {
        let (low, high) = (gf4::multiply(a, c), gf4::multiply(b, d));
        let cross = gf4::multiply(gf4::add(a, b), gf4::add(c, d));
        [gf4::add(low, gf4::scale(high)), gf4::add(low, cross)]
    }

    #[inline(always)]
    pub(super) fn square([a, b]: Element) -> Element {
        let high = gf4::square(b);
        [gf4::add(gf4::square(a), gf4::scale(high)), high]
    }

    /// Times `1 + w·x`.
    #[inline(always)]
    pub(super) fn scale([a, b]: Element) -> Element {
        add([a, b], [gf4::scale(gf4::scale(b)), gf4::scale(gf4::add(a, b))])
    }

    #[inline(always)]
    pub(super) fn inverse([a, b]: Element) -> Element {
        let conjugate = gf4::add(a, b);
        let norm = gf4::add(gf4::multiply(a, conjugate), gf4::scale(gf4::square(b)));
        // In GF(2²), the square is the inverse.
        let divisor = gf4::square(norm);
        [gf4::multiply(conjugate, divisor), gf4::multiply(b, divisor)]
    }
}

/// Elements `a + b·w` over GF(2), where `w² = w + 1`.
mod gf4 {
    use super::Plane;

    pub(super) type Element = [Plane; 2];

    #[inline(always)]
    pub(super) fn add([a, b]: Element, [c, d]: Element) -> Element {
        [a ^ c, b ^ d]
    }

    #[inline(always)]
    pub(super) fn multiply([a, b]: Element, [c, d]: Element) -> Element {
        let (low, high) = (a & c, b & d);
        let cross = (a ^ b) & (c ^ d);
        [low ^ high, low ^ cross]
    }

    #[inline(always)]
    pub(super) fn square([a, b]: Element) -> Element {
        [a ^ b, b]
    }

    /// Times `w`.
    #[inline(always)]
    pub(super) fn scale([a, b]: Element) -> Element {
        [b, a ^ b]
    }
}
