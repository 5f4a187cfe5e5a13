use super::Error;
use super::object::Object;
use super::pins::Pins;
use crate::config::XdpMode;
use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::{XdpLink, XdpLinkId};
use aya::programs::{self, ProgramError};
use aya::sys::SyscallError;
use aya::util::KernelVersion;
use std::fs;
use std::io::ErrorKind;
use tracing::{info, warn};

/// Attaches the program to `interface` and pins the link, or takes over the link that is pinned already: the program behind it is
/// replaced in one step, and no packet goes past both.
///
/// # Errors
/// When another program is attached there, or the kernel refuses; nothing is attached then.
pub fn attach(object: &mut Object, pins: &Pins, interface: &str, ifindex: u32, mode: XdpMode) -> Result<(), Error> {
    if KernelVersion::current().is_ok_and(|running| running < KernelVersion::new(5, 9, 0)) {
        return Err(refused(interface, "XDP links need Linux 5.9 or newer: upgrade the kernel"));
    }
    if adopt(object, pins, interface)? {
        info!(interface, "took over the attached program");
        return Ok(());
    }
    let (link, mode) = attach_new(object, interface, ifindex, mode)?;
    let link = object.xdp()?.take_link(link).map_err(|error| refused(interface, &error.to_string()))?;
    let link = FdLink::try_from(link).map_err(|_| {
        refused(
            interface,
            &format!(
                "the driver gave a program that cannot be pinned: detach it with `ip link set dev {interface} xdp off`"
            ),
        )
    })?;
    let path = pins.link(interface);
    link.pin(&path).map_err(|error| Error::Pin { path, source: std::io::Error::other(error) })?;
    info!(interface, mode, "attached");
    Ok(())
}

/// Detaches the program from interfaces that are not among `interfaces`.
///
/// # Errors
/// When a pin cannot be removed.
pub fn detach_others(pins: &Pins, interfaces: &[&str]) -> Result<(), Error> {
    for interface in pins.linked().into_iter().filter(|linked| !interfaces.contains(&linked.as_str())) {
        let path = pins.link(&interface);
        fs::remove_file(&path).map_err(|source| Error::Pin { path, source })?;
        info!(interface, "detached: the configuration does not name it any more");
    }
    Ok(())
}

/// Puts the program behind the link that is pinned for `interface`; returns whether there was a live one.
fn adopt(object: &mut Object, pins: &Pins, interface: &str) -> Result<bool, Error> {
    let path = pins.link(interface);
    if !path.exists() {
        return Ok(false);
    }
    let unusable = |error: String| Error::Pin { path: path.clone(), source: std::io::Error::other(error) };
    let link = PinnedLink::from_pin(&path).map_err(|error| unusable(error.to_string()))?;
    let link = XdpLink::try_from(FdLink::from(link)).map_err(|error| unusable(error.to_string()))?;
    match object.xdp()?.attach_to_link(link) {
        Ok(id) => {
            // The pin keeps the program attached; only this handle goes.
            object.xdp()?.take_link(id).map_err(|error| unusable(error.to_string()))?;
            Ok(true)
        }
        // The interface that the link belonged to was removed, and this is another one by the same name.
        Err(error) if os_error(&error).is_some_and(|error| error.raw_os_error() == Some(nix::libc::ENOLINK)) => {
            fs::remove_file(&path).map_err(|source| Error::Pin { path, source })?;
            Ok(false)
        }
        Err(error) => Err(refused(interface, &error.to_string())),
    }
}

fn attach_new(
    object: &mut Object,
    interface: &str,
    ifindex: u32,
    mode: XdpMode,
) -> Result<(XdpLinkId, &'static str), Error> {
    let native = programs::XdpMode::Driver;
    let generic = programs::XdpMode::Skb;
    let program = object.xdp()?;
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
    attempt.map_err(|error| {
        if is_busy(&error) {
            return Error::busy(interface);
        }
        let reason = os_error(&error).map_or_else(|| error.to_string(), ToString::to_string);
        match mode {
            XdpMode::Native => {
                refused(interface, &format!("no native XDP: {reason}; set agent: xdp-mode to \"auto\" or \"generic\""))
            }
            XdpMode::Auto | XdpMode::Generic => refused(interface, &format!("cannot attach the XDP program: {reason}")),
        }
    })
}

fn refused(interface: &str, reason: &str) -> Error {
    Error::Attach { interface: interface.to_owned(), reason: reason.to_owned() }
}

fn is_busy(error: &ProgramError) -> bool {
    os_error(error).is_some_and(|error| matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::AlreadyExists))
}

fn os_error(error: &ProgramError) -> Option<&std::io::Error> {
    match error {
        ProgramError::SyscallError(SyscallError { io_error, .. }) => Some(io_error),
        _ => None,
    }
}
