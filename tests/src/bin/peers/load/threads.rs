use anyhow::{Context, Result};
use lb_user::lab::Namespace;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::panic;
use std::thread;

/// The CPUs that this process may run on.
pub(crate) fn cpus() -> Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).context("cannot tell which CPUs there are")?;
    Ok((0..CpuSet::count()).filter(|&cpu| set.is_set(cpu) == Ok(true)).collect())
}

/// Keeps this thread on `cpu`.
pub(super) fn stay_on(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("cannot stay on CPU {cpu}"))
}

/// Has a thread on each CPU do `work` in `namespace`, and waits for all of them.
pub(super) fn on_each_cpu<T: Send>(namespace: &Namespace, work: impl Fn() -> Result<T> + Sync) -> Result<Vec<T>> {
    let work = &work;
    thread::scope(|scope| {
        let start = |cpu| {
            let inside = move || stay_on(cpu).and_then(|()| work());
            scope.spawn(move || namespace.run(inside)?)
        };
        let threads: Vec<_> = cpus()?.into_iter().map(start).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<T>>| {
            thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
        };
        threads.into_iter().map(join).collect()
    })
}
