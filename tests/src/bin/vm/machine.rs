//! A machine of qemu's: boots a kernel with an image, and tells what it says until it is off.

use crate::kernel::Kernel;
use anyhow::{Context, Result, bail};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// What the machine's instructions are run by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processor {
    /// The processor itself.
    Kvm,
    /// qemu, in software: ten times as slow and more.
    Emulated,
}

/// A machine that is to be.
pub(crate) struct Machine<'a> {
    pub(crate) kernel: &'a Kernel,
    /// Its image, beside which its log is written.
    pub(crate) image: PathBuf,
    pub(crate) processor: Processor,
    pub(crate) cpus: u16,
    /// Whether it has two network interfaces that are connected with each other.
    pub(crate) nics: bool,
    /// It may take so long.
    pub(crate) patience: Duration,
}

/// Interfaces take in frames of their own size, with all checksums: what XDP wants is the same for everybody.
const WHOLE_FRAMES: &str = ",guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off";

/// Memory of a machine, in MiB.
const MEMORY: u32 = 2_560;

impl Machine<'_> {
    /// Boots it, and has `hear` every line that it says, until it is off.
    pub(crate) fn run(&self, mut hear: impl FnMut(&str)) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        let mut qemu = Running(self.command().spawn().context("cannot start `qemu-system-x86_64`")?);
        let lines = BufReader::new(qemu.0.stdout.take().context("no way from qemu")?);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        loop {
            match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => hear(&line),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("not done after {} s; see {}", self.patience.as_secs(), self.console().display())
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// What the kernel itself says.
    pub(crate) fn console(&self) -> PathBuf {
        self.image.with_extension("console")
    }

    fn command(&self) -> Command {
        let mut command = Command::new("qemu-system-x86_64");
        command.args(["-M", "q35", "-nodefaults", "-no-reboot", "-display", "none"]);
        command.args(match self.processor {
            Processor::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Processor::Emulated => ["-accel", "tcg", "-cpu", "max"],
        });
        for number in 0..if self.nics { 2 } else { 0 } {
            command.arg("-netdev").arg(format!("hubport,id=hub{number},hubid=0"));
            let device = format!("virtio-net-pci,netdev=hub{number},mac=02:00:00:00:ff:0{number}");
            command.arg("-device").arg(device + WHOLE_FRAMES);
        }
        command.args(["-smp", &self.cpus.to_string(), "-m", &MEMORY.to_string()]);
        command.arg("-serial").arg(format!("file:{}", self.console().display())).args(["-serial", "stdio"]);
        command.arg("-kernel").arg(&self.kernel.image).arg("-initrd").arg(&self.image);
        command.args(["-append", "console=ttyS0 panic=-1 quiet"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        // What qemu says of KVM where it does not work; whether it did is known by then.
        if self.processor == Processor::Kvm {
            command.stderr(Stdio::null());
        }
        command
    }
}

/// qemu; dropping it kills it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Processor {
    /// The fastest that works: there are machines that have KVM and do not boot by it, so it is tried, with an image that does nothing.
    pub(crate) fn find(kernel: &Kernel, image: &Path) -> Self {
        const PATIENCE: Duration = Duration::from_secs(20);
        if File::options().read(true).write(true).open("/dev/kvm").is_err() {
            return Self::Emulated;
        }
        let mut up = false;
        let image = image.to_owned();
        let machine = Machine { kernel, image, processor: Self::Kvm, cpus: 1, nics: false, patience: PATIENCE };
        // It says that it is up and is off, or nothing works.
        let ended = machine.run(|line| up |= line == "vm: up");
        if ended.is_ok() && up { Self::Kvm } else { Self::Emulated }
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kvm => "KVM",
            Self::Emulated => "emulation",
        })
    }
}
