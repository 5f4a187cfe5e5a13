//! What `handoff decap` does to its host, and what it refuses to do: afterwards the host is as it was before.

use anyhow::{Result, ensure};
use lb_tests::scene::{Backend, Outcome, VIPS, as_nobody, eventually, handoff, outcome};
use nix::sys::signal::Signal;
use std::fs;

/// Exit codes of a wrong command line, of one that does not fit this machine, and of a process without the rights (sysexits(3)).
const USAGE: i32 = 64;
const NO_PERMISSION: i32 = 77;
const CONFIG: i32 = 78;

#[test]
fn what_a_killed_one_leaves_can_be_undone() -> Result<()> {
    let backend = Backend::set("decap-kill")?;
    let before = backend.state()?;
    let nothing = backend.run(&mut backend.command(&["--undo"]))?;
    assert_eq!(nothing, said("nothing to undo\n"));

    kill(&backend)?;
    ensure!(backend.state()? != before, "a killed process has undone something");
    let undone = backend.run(&mut backend.command(&["--undo"]))?;
    ensure!(undone.code == Some(0) && undone.stdout.contains("192.0.2.10 off lo"), "{undone:?}");
    // The kernel detaches the program by itself, a moment after the process.
    eventually("everything is as before", || Ok(backend.state()? == before))?;

    kill(&backend)?;
    let mut next = backend.start(&[])?;
    ensure!(next.cleaned_up(), "the next one found nothing to undo");
    next.signal(Signal::SIGTERM)?;
    assert_eq!(next.end()?.0, Some(0));
    assert_eq!(backend.state()?, before);
    Ok(())
}

#[test]
fn what_was_there_before_or_was_changed_since_stays() -> Result<()> {
    let backend = Backend::set("decap-others")?;
    backend.ip(Backend::NODE, "addr add 192.0.2.10/32 dev lo")?;
    backend.write(Backend::NODE, "ipv4/conf/all/arp_ignore", "2")?;
    let mut decap = backend.start(&[])?;
    assert_eq!(backend.setting("all", "arp_announce")?, "2");
    backend.write(Backend::NODE, "ipv4/conf/all/arp_announce", "1")?;
    backend.ip(Backend::NODE, "addr del 2001:db8::10/128 dev lo")?;
    decap.signal(Signal::SIGTERM)?;
    assert_eq!(decap.end()?.0, Some(0));
    ensure!(backend.ip(Backend::NODE, "addr show dev lo")?.contains("192.0.2.10/32"), "the operator's VIP is gone");
    assert_eq!(backend.setting("all", "arp_ignore")?, "2");
    assert_eq!(backend.setting("all", "arp_announce")?, "1");
    assert_eq!(backend.setting("all", "rp_filter")?, "1");
    Ok(())
}

#[test]
fn an_interface_that_goes_away_ends_it() -> Result<()> {
    let backend = Backend::set("decap-gone")?;
    let decap = backend.start(&[])?;
    backend.ip(Backend::NODE, "link del eth0")?;
    assert_eq!(decap.end()?.0, Some(1));
    ensure!(!backend.ip(Backend::NODE, "addr show dev lo")?.contains("192.0.2.10"), "the VIP is still there");
    assert_eq!(backend.setting("all", "arp_ignore")?, "0");
    Ok(())
}

#[test]
fn a_second_one_is_refused() -> Result<()> {
    let backend = Backend::set("decap-twice")?;
    let first = backend.start(&[])?;
    let during = backend.state()?;
    let refused = Outcome::refusal(
        1,
        &format!(
            "{}: another handoff decap is running on this host (process {}); end it with SIGTERM, or give it all interfaces and VIPs",
            backend.run_folder().join("decap.lock").display(),
            first.id()
        ),
    );
    for args in [&["--interface", "eth1", "--vip", "192.0.2.11"][..], &["--undo"]] {
        assert_eq!(backend.run(&mut backend.command(args))?, refused);
    }
    assert_eq!(backend.state()?, during);
    Ok(())
}

#[test]
fn another_program_on_the_interface_is_left_alone() -> Result<()> {
    let backend = Backend::set("decap-busy")?;
    let _first = backend.start(&[])?;
    let during = backend.state()?;
    // Another folder: as if it were another host.
    let mut command = handoff(&["decap", "--interface", "eth0", "--vip", "192.0.2.11", "--run-folder"]);
    let folder = backend.run_folder().join("other");
    let busy = backend.run(command.arg(&folder))?;
    let error = "interface eth0: another XDP program is attached: detach it with the tool that attached it";
    ensure!(busy.code == Some(1) && busy.stderr.contains(error), "{busy:?}");
    assert_eq!(backend.state()?, during);
    ensure!(!folder.join("decap.json").exists(), "the record is still there");
    Ok(())
}

#[test]
fn what_cannot_be_changed_leaves_nothing_changed() -> Result<()> {
    let backend = Backend::set("decap-half")?;
    backend.write(Backend::NODE, "ipv6/conf/lo/disable_ipv6", "1")?;
    let before = backend.state()?;
    let run = backend.run(&mut backend.command(&["--interface", "eth0", "--vip", VIPS[0], "--vip", VIPS[1]]))?;
    let error = "cannot change 2001:db8::10 on lo: Permission denied (os error 13); is IPv6 switched off there? Switch it on with `sysctl -w net.ipv6.conf.lo.disable_ipv6=0`";
    assert_eq!(run, Outcome::refusal(1, error));
    assert_eq!(backend.state()?, before);
    ensure!(!backend.run_folder().join("decap.json").exists(), "the record is still there");
    Ok(())
}

#[test]
fn what_does_not_fit_this_host_is_refused() -> Result<()> {
    let backend = Backend::set("decap-refused")?;
    let before = backend.state()?;
    for (args, error) in [
        (
            ["--interface", "eth7", "--vip", "192.0.2.10"],
            "interface eth7: this machine has no such Ethernet interface; it has eth0, eth1",
        ),
        (
            ["--interface", "lo", "--vip", "192.0.2.10"],
            "interface lo: this machine has no such Ethernet interface; it has eth0, eth1",
        ),
        (
            ["--interface", "eth0", "--vip", "198.18.1.1"],
            "VIP 198.18.1.1 is an address of eth0, which answers ARP for it, so its clients would go past the balancer: take it away with `ip addr del 198.18.1.1/16 dev eth0`",
        ),
    ] {
        let mut run = backend.run(&mut backend.command(&args))?;
        // Interfaces come in the order in which they were made.
        run.stderr = run.stderr.replace("eth1, eth0", "eth0, eth1");
        assert_eq!(run, Outcome::refusal(CONFIG, error));
    }
    let nobody = backend.run(&mut as_nobody(&backend.command(&["--interface", "eth0", "--vip", "192.0.2.10"])))?;
    let error =
        "not allowed: handoff decap lacks CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF; run it as root, as `sudo handoff decap`";
    assert_eq!(nobody, Outcome::refusal(NO_PERMISSION, error));
    let undo = backend.run(&mut as_nobody(&backend.command(&["--undo"])))?;
    let error = "not allowed: handoff decap lacks CAP_NET_ADMIN; run it as root, as `sudo handoff decap`";
    assert_eq!(undo, Outcome::refusal(NO_PERMISSION, error));

    fs::create_dir_all(backend.run_folder())?;
    fs::write(backend.run_folder().join("decap.json"), "[]")?;
    let spoilt = backend.run(&mut backend.command(&["--interface", "eth0", "--vip", "192.0.2.10"]))?;
    ensure!(spoilt.code == Some(1) && spoilt.stderr.contains("decap.json: not a record of what to undo"), "{spoilt:?}");
    assert_eq!(backend.state()?, before);
    Ok(())
}

#[test]
fn wrong_flags() -> Result<()> {
    for (args, error) in [
        (
            &["decap"][..],
            "the following required arguments were not provided:\n  --interface <NAME>\n  --vip <ADDRESS>",
        ),
        (&["decap", "--interface", "eth0", "--vip", "127.0.0.1"], "invalid value '127.0.0.1' for '--vip <ADDRESS>'"),
        (
            &["decap", "--interface", "eth0", "--vip", "192.0.2.10", "--source", "10.1.0.0/8"],
            "invalid value '10.1.0.0/8' for '--source <PREFIX>': has bits set behind its length: use 10.0.0.0/8",
        ),
        (
            &["decap", "--interface", "eth0", "--vip", "192.0.2.10", "--gue-port", "0"],
            "invalid value '0' for '--gue-port <PORT>'",
        ),
        (
            &["decap", "--interface", "eth0", "--vip", "192.0.2.10", "--l2-dsr", "--source", "10.0.0.0/8"],
            "the argument '--l2-dsr' cannot be used with '--source <PREFIX>'",
        ),
        (&["decap", "--undo", "--vip", "192.0.2.10"], "the argument '--undo' cannot be used with '--vip <ADDRESS>'"),
    ] {
        let run = outcome(&mut handoff(args))?;
        ensure!(run.code == Some(USAGE) && run.stdout.is_empty() && run.stderr.contains(error), "{args:?}: {run:?}");
    }
    Ok(())
}

fn said(stdout: &str) -> Outcome {
    Outcome { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
}

/// Starts a decapsulator, and ends it as a crash would.
fn kill(backend: &Backend) -> Result<()> {
    let mut killed = backend.start(&[])?;
    killed.signal(Signal::SIGKILL)?;
    assert_eq!(killed.end()?.0, None);
    Ok(())
}
