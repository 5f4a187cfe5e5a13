//! Bounds-checked access to the bytes of one frame.
//!
//! The BPF verifier accepts a packet access only when it can see the comparison of two packet pointers that
//! guards it. A slice hides that comparison behind a length, so a [`Frame`] is two raw pointers, and every access
//! compares `start + offset + size` with `end`. The host runs the same comparison over an ordinary buffer.

use core::marker::PhantomData;
use core::ptr::NonNull;

/// A header that may be laid over any bytes at any even address.
///
/// # Safety
/// The type must have an alignment of at most 2, no padding, and no invalid bit pattern.
pub unsafe trait Header: Sized {}

// SAFETY: 16-bit words only.
unsafe impl<const WORDS: usize> Header for [u16; WORDS] {}

/// The bytes of one frame, from the first byte of the Ethernet header to the last byte received.
pub struct Frame<'a> {
    start: *mut u8,
    end: *mut u8,
    bytes: PhantomData<&'a mut [u8]>,
}

/// No header starts further into a frame: the verifier follows packet pointers for 65,535 bytes, up to a header's end.
const MAX_OFFSET: usize = 0xff00;

impl<'a> Frame<'a> {
    /// The frame in `bytes`, which begin at an even address: as allocations do. No bytes may begin anywhere.
    pub fn from_slice(bytes: &'a mut [u8]) -> Self {
        let range = bytes.as_mut_ptr_range();
        assert!(bytes.is_empty() || range.start.addr().is_multiple_of(2), "a frame begins at an even address");
        Self { start: range.start, end: range.end, bytes: PhantomData }
    }

    /// The frame between two pointers, as the kernel hands it to an XDP program.
    ///
    /// # Safety
    /// `start..end` must be one readable and writable block of memory that begins at an even address, for as long as `'a`. A call
    /// that moves the packet's head or tail ends that, so the frame must be made anew after it.
    #[inline(always)]
    pub unsafe fn from_raw(start: *mut u8, end: *mut u8) -> Self {
        Self { start, end, bytes: PhantomData }
    }

    /// Length in bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.end as usize - self.start as usize
    }

    /// Its bytes.
    #[cfg(not(target_arch = "bpf"))]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `start..end` is one readable block of memory; `&self` keeps others from writing to it.
        unsafe { core::slice::from_raw_parts(self.start, self.len()) }
    }

    /// Whether the frame has no bytes at all.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The header of type `T` that starts `offset` bytes into the frame; `None` when the frame ends before it does, or the offset
    /// is odd or beyond 65,280.
    #[inline(always)]
    pub fn header<T: Header>(&self, offset: usize) -> Option<&T> {
        let header = self.locate::<T>(offset)?;
        // SAFETY: `locate` found all of `T` inside the frame at an even address, where a `Header` is valid whatever the bytes.
        Some(unsafe { header.as_ref() })
    }

    /// As [`Frame::header`], to write to.
    #[inline(always)]
    pub fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T> {
        let mut header = self.locate::<T>(offset)?;
        // SAFETY: as in `header`; `&mut self` makes the reference the only one.
        Some(unsafe { header.as_mut() })
    }

    #[inline(always)]
    fn locate<T: Header>(&self, offset: usize) -> Option<NonNull<T>> {
        // Offsets are sums of a few header lengths, which the compiler knows too: these checks cost nothing, and no sum wraps.
        if offset > MAX_OFFSET || !offset.is_multiple_of(2) {
            return None;
        }
        // The end of the header from its start, and not from the frame's: the verifier knows the one pointer by the other.
        let header = self.start.wrapping_add(offset);
        if header.wrapping_add(size_of::<T>()) > self.end {
            return None;
        }
        // SAFETY: the address is inside the frame, so it is not null.
        Some(unsafe { NonNull::new_unchecked(header.cast()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Ethernet, Mac};
    use std::vec;

    #[test]
    fn a_header_must_fit_whole() {
        let mut bytes = vec![0u8; 21];
        let frame = Frame::from_slice(&mut bytes);
        assert!(frame.header::<Ethernet>(6).is_some());
        assert!(frame.header::<Ethernet>(7).is_none(), "odd");
        assert!(frame.header::<Ethernet>(8).is_none());
        assert!(frame.header::<Ethernet>(22).is_none());
        assert!(frame.header::<Ethernet>(usize::MAX - 1).is_none(), "an end before its start");
    }

    #[test]
    fn a_write_lands_at_its_offset() {
        let mut bytes = vec![0u8; 16];
        Frame::from_slice(&mut bytes).header_mut::<Ethernet>(2).expect("14 of 16 bytes").source = Mac::new([7; 6]);
        assert_eq!(bytes, [0, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 0, 0]);
    }
}
