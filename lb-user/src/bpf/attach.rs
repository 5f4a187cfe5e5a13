use super::Error;
use super::object::Object;
use super::pins::Pins;
use crate::config::XdpMode;
use crate::network::{Link, XdpAttachment};
use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::XdpLink;
use aya::programs::{self, ProgramError, Xdp};
use aya::sys::SyscallError;
use aya::util::KernelVersion;
use std::fs;
use std::io::{self, ErrorKind};
use tracing::{info, warn};

/// Attaches the program to the interface `link` and pins the attachment, or takes over the one that is pinned already: the program behind
/// it is replaced in one step, and no packet goes past both.
///
/// # Errors
/// When another program is attached there, or the kernel refuses.
pub fn attach(object: &mut Object, pins: &Pins, link: &Link, mode: XdpMode) -> Result<(), Error> {
    let interface = link.name.as_str();
    if pins.has_link(interface) {
        if link.xdp != XdpAttachment::None {
            return adopt(object, pins, link, mode);
        }
        // What is pinned belongs to an interface that was renamed or removed since.
        unpin(pins, interface)?;
    }
    let (attached, mode) = attach_new(object.xdp()?, interface, link.ifindex, mode)?;
    let path = pins.link(interface);
    attached.pin(&path).map_err(|error| Error::Pin { path, source: io::Error::other(error) })?;
    info!(interface, mode, "attached");
    Ok(())
}

/// Detaches the program from interfaces that are not among `interfaces`.
///
/// # Errors
/// When a pin cannot be removed.
pub fn detach_others<S: AsRef<str>>(pins: &Pins, interfaces: &[S]) -> Result<(), Error> {
    for linked in pins.linked() {
        if !interfaces.iter().any(|interface| interface.as_ref() == linked) {
            unpin(pins, &linked)?;
            info!(interface = linked, "detached");
        }
    }
    Ok(())
}

/// Removes a link's pin: with its last holder, the kernel detaches the program.
fn unpin(pins: &Pins, interface: &str) -> Result<(), Error> {
    let path = pins.link(interface);
    fs::remove_file(&path).map_err(|source| Error::Pin { path, source })
}

/// Puts the program behind the attachment that is pinned for the interface `link`.
fn adopt(object: &mut Object, pins: &Pins, link: &Link, mode: XdpMode) -> Result<(), Error> {
    let interface = link.name.as_str();
    let path = pins.link(interface);
    let unusable = |error: String| Error::Pin { path: path.clone(), source: io::Error::other(error) };
    let attached = PinnedLink::from_pin(&path).map_err(|error| unusable(error.to_string()))?;
    let attached = XdpLink::try_from(FdLink::from(attached)).map_err(|error| unusable(error.to_string()))?;
    let attached = object.xdp()?.attach_to_link(attached).map_err(|error| refused(interface, &error.to_string()))?;
    // The pin keeps the program attached; only this handle goes.
    object.xdp()?.take_link(attached).map_err(|error| unusable(error.to_string()))?;
    info!(interface, mode = %link.xdp, "took over the attached program");
    let other_mode = match mode {
        XdpMode::Auto => false,
        XdpMode::Native => matches!(link.xdp, XdpAttachment::Generic(_)),
        XdpMode::Generic => matches!(link.xdp, XdpAttachment::Native(_)),
    };
    if other_mode {
        warn!(interface, mode = %link.xdp, "the mode of an attached program cannot be changed: it stays until `handoff stop --purge`");
    }
    Ok(())
}

/// Attaches a program to an interface that has none, for as long as somebody holds the attachment. Returns the mode as well.
pub(super) fn attach_new(
    program: &mut Xdp,
    interface: &str,
    ifindex: u32,
    mode: XdpMode,
) -> Result<(FdLink, &'static str), Error> {
    if KernelVersion::current().is_ok_and(|running| running < KernelVersion::new(5, 9, 0)) {
        return Err(refused(interface, "XDP links need Linux 5.9 or newer: upgrade the kernel"));
    }
    let native = programs::XdpMode::Driver;
    let generic = programs::XdpMode::Skb;
    let attempt = match mode {
        XdpMode::Generic => program.attach_to_if_index(ifindex, generic).map(|link| (link, "generic")),
        XdpMode::Native => program.attach_to_if_index(ifindex, native).map(|link| (link, "native")),
        XdpMode::Auto => match program.attach_to_if_index(ifindex, native) {
            Err(error) if !is_busy(&error) => {
                let reason = os_error(&error).map_or_else(|| error.to_string(), ToString::to_string);
                warn!(interface, reason, "no native XDP: falling back to generic, which is slower");
                program.attach_to_if_index(ifindex, generic).map(|link| (link, "generic"))
            }
            attempt => attempt.map(|link| (link, "native")),
        },
    };
    let (attached, mode) = attempt.map_err(|error| {
        if is_busy(&error) {
            return Error::busy(interface);
        }
        let reason = os_error(&error).map_or_else(|| error.to_string(), ToString::to_string);
        match mode {
            XdpMode::Native => {
                refused(interface, &format!("no native XDP: {reason}; set xdp-mode to \"auto\" or \"generic\""))
            }
            XdpMode::Auto | XdpMode::Generic => refused(interface, &format!("cannot attach the XDP program: {reason}")),
        }
    })?;
    let attached = program.take_link(attached).map_err(|error| refused(interface, &error.to_string()))?;
    let attached = FdLink::try_from(attached).map_err(|_| {
        let remedy = format!("detach it with `ip link set dev {interface} xdp off`");
        refused(interface, &format!("the kernel attached the program in a way that outlives its owner: {remedy}"))
    })?;
    Ok((attached, mode))
}

fn refused(interface: &str, reason: &str) -> Error {
    Error::Attach { interface: interface.to_owned(), reason: reason.to_owned() }
}

fn is_busy(error: &ProgramError) -> bool {
    os_error(error).is_some_and(|error| matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::AlreadyExists))
}

fn os_error(error: &ProgramError) -> Option<&io::Error> {
    match error {
        ProgramError::SyscallError(SyscallError { io_error, .. }) => Some(io_error),
        _ => None,
    }
}
