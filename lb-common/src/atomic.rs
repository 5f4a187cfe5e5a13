//! One 64-bit word that several CPUs read and write at once, the agent among them.
//!
//! For BPF, `core` offers no read-modify-write operations on atomics, and LLVM selects no relaxed 64-bit atomic load. The
//! intrinsics behind them do compile, and the kernel's JIT makes `lock xadd` and `lock cmpxchg` of them; volatile accesses
//! make single loads and stores. On the host the word is an ordinary [`AtomicU64`].

#[cfg(not(target_arch = "bpf"))]
use core::sync::atomic::{AtomicU64, Ordering};

#[cfg(target_arch = "bpf")]
use core::{cell::UnsafeCell, intrinsics};

/// A shared 64-bit word.
#[repr(transparent)]
#[derive(Default)]
#[cfg(not(target_arch = "bpf"))]
pub struct SharedWord(AtomicU64);

#[cfg(not(target_arch = "bpf"))]
impl SharedWord {
    /// A word that nobody else sees yet.
    pub const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// The current value.
    pub fn load(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Replaces the value.
    pub fn store(&self, value: u64) {
        self.0.store(value, Ordering::Release);
    }

    /// Adds to the value, wrapping, and returns what it was before.
    pub fn fetch_add(&self, amount: u64) -> u64 {
        self.0.fetch_add(amount, Ordering::Relaxed)
    }

    /// Replaces the value if it is `current`; returns whether it did.
    pub fn replace(&self, current: u64, new: u64) -> bool {
        self.0.compare_exchange(current, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// A shared 64-bit word.
#[repr(transparent)]
#[cfg(target_arch = "bpf")]
pub struct SharedWord(UnsafeCell<u64>);

// SAFETY: every access is a single instruction on the whole word.
#[cfg(target_arch = "bpf")]
unsafe impl Sync for SharedWord {}

#[cfg(target_arch = "bpf")]
impl SharedWord {
    /// A word that nobody else sees yet.
    #[inline(always)]
    pub const fn new(value: u64) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The current value.
    #[inline(always)]
    pub fn load(&self) -> u64 {
        // SAFETY: the word is in a map, valid for the whole run of the program; an aligned 64-bit load does not tear.
        unsafe { self.0.get().read_volatile() }
    }

    /// Replaces the value.
    #[inline(always)]
    pub fn store(&self, value: u64) {
        // SAFETY: as in `load`.
        unsafe { self.0.get().write_volatile(value) }
    }

    /// Adds to the value, wrapping, and returns what it was before.
    #[inline(always)]
    pub fn fetch_add(&self, amount: u64) -> u64 {
        // SAFETY: as in `load`.
        unsafe { intrinsics::atomic_xadd::<u64, u64, { intrinsics::AtomicOrdering::SeqCst }>(self.0.get(), amount) }
    }

    /// Replaces the value if it is `current`; returns whether it did.
    #[inline(always)]
    pub fn replace(&self, current: u64, new: u64) -> bool {
        // SAFETY: as in `load`.
        let (_, replaced) = unsafe {
            intrinsics::atomic_cxchg::<
                u64,
                { intrinsics::AtomicOrdering::SeqCst },
                { intrinsics::AtomicOrdering::SeqCst },
            >(self.0.get(), current, new)
        };
        replaced
    }
}
