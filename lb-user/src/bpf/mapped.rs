use super::Error;
use aya::maps::MapData;
use lb_common::flow_table::{Bucket, StoredKey};
use memmap2::{MmapOptions, MmapRaw};
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};
use std::slice;

/// An array map in memory: the very elements that the XDP program works on.
pub(super) struct Mapped<T> {
    memory: MmapRaw,
    len: usize,
    element: PhantomData<T>,
}

impl<T> Mapped<T> {
    /// Maps the array `map`, whose elements are `T`s, into memory.
    pub(super) fn new(name: &'static str, map: &MapData) -> Result<Self, Error> {
        let info = map.info().map_err(Error::map(name))?;
        // The kernel rounds elements up to 8 bytes; ours are whole cache lines.
        if info.value_size() as usize != size_of::<T>() || !size_of::<T>().is_multiple_of(8) {
            return Err(Error::Object { kind: "map", name });
        }
        let len = info.max_entries() as usize;
        let memory = MmapOptions::new()
            .len(len * size_of::<T>())
            .map_raw(map.fd().as_fd().as_raw_fd())
            .map_err(|source| Error::Mapping { name, source })?;
        Ok(Self { memory, len, element: PhantomData })
    }

    /// The elements, for types that many may change at once through a shared reference.
    pub(super) fn shared(&self) -> &[T]
    where
        T: Shared,
    {
        // SAFETY: the mapping holds `len` elements as long as `self` lives and begins at a page. `Shared` promises that any bytes
        // are valid and that all access is atomic, so the program's concurrent writes do no harm.
        unsafe { slice::from_raw_parts(self.memory.as_ptr().cast(), self.len) }
    }

    /// Writes one element, which nobody reads meanwhile.
    pub(super) fn write(&mut self, index: usize, element: T) {
        assert!(index < self.len, "element {index} of {}", self.len);
        // SAFETY: the element is inside the mapping, and aligned, because the mapping begins at a page.
        unsafe { self.memory.as_mut_ptr().cast::<T>().add(index).write_volatile(element) }
    }

    /// Reads one element.
    pub(super) fn read(&self, index: usize) -> Option<T>
    where
        T: Copy,
    {
        // SAFETY: as in `write`; the agent is the only writer.
        (index < self.len).then(|| unsafe { self.memory.as_ptr().cast::<T>().add(index).read_volatile() })
    }
}

/// Types whose every access is atomic.
///
/// # Safety
/// All fields must be atomics for which any bit pattern is valid.
pub(super) unsafe trait Shared {}

// SAFETY: a bucket is eight atomic words.
unsafe impl Shared for Bucket {}
// SAFETY: a stored key is four atomic words.
unsafe impl Shared for StoredKey {}
