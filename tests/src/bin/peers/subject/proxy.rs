use super::Standing;
use crate::load::{PORT, cpus};
use crate::memory::{Memory, process_memory};
use crate::place::{Place, addresses};
use anyhow::{Context, Result, bail, ensure};
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(super) const HAPROXY: &str = "haproxy";
pub(super) const NGINX: &str = "nginx";

/// Where distributions have the modules of nginx.
const MODULES: [&str; 2] = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"];

/// Which proxy it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    HaProxy,
    Nginx,
}

struct Proxy<'a> {
    place: &'a Place,
    process: Child,
}

/// Starts a proxy with one worker on each CPU, in front of the back-ends' own addresses.
pub(super) fn start(place: &Place, kind: Kind) -> Result<Box<dyn Standing + '_>> {
    place.scene().ip(Node::Balancer, &format!("addr add {VIP}/32 dev lo"))?;
    let file = place.file("proxy.conf");
    let mut command = match kind {
        Kind::HaProxy => {
            fs::write(&file, haproxy(cpus()?.len()))?;
            let mut command = Command::new(HAPROXY);
            command.arg("-db").arg("-f").arg(&file);
            command
        }
        Kind::Nginx => {
            fs::write(&file, nginx(stream_module().as_deref(), &place.file("proxy.pid")))?;
            let mut command = Command::new(NGINX);
            command.arg("-p").arg(place.file("")).arg("-e").arg(place.file("proxy.log")).arg("-c").arg(&file);
            command
        }
    };
    let log = File::create(place.file("proxy.out"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let name = command.get_program().to_string_lossy().into_owned();
    let process = place.scene().namespace(Node::Balancer).run(|| command.spawn())?;
    let process = process.with_context(|| format!("cannot start {name}: `cargo xtask bench peers` installs it"))?;
    let mut proxy = Box::new(Proxy { place, process });
    proxy.listens(&name)?;
    Ok(proxy)
}

impl Proxy<'_> {
    fn listens(&mut self, name: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(5);
        let client = self.place.client();
        while client.run(|| TcpStream::connect((VIP, PORT)))?.is_err() {
            let has_ended = self.process.try_wait()?.is_some();
            if has_ended || Instant::now() > deadline {
                bail!("{name} does not listen: {}", fs::read_to_string(self.place.file("proxy.out"))?);
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Asks it to end; workers would outlive a proxy that is killed.
    fn stop(&mut self) -> Result<()> {
        if self.process.try_wait()?.is_none() {
            kill(Pid::from_raw(self.process.id().try_into()?), Signal::SIGTERM)?;
        }
        self.process.wait()?;
        Ok(())
    }
}

impl Standing for Proxy<'_> {
    fn memory(&self) -> Result<Memory> {
        Ok(Memory { user: process_memory(self.process.id())?, kernel: Some(0.0) })
    }

    fn take_down(mut self: Box<Self>) -> Result<()> {
        ensure!(self.process.try_wait()?.is_none(), "the proxy has ended while it was measured");
        self.stop()?;
        self.place.scene().ip(Node::Balancer, &format!("addr del {VIP}/32 dev lo")).map(drop)
    }
}

impl Drop for Proxy<'_> {
    fn drop(&mut self) {
        // One that does not end is ended with its namespace.
        let _ = self.stop();
    }
}

fn haproxy(cpus: usize) -> String {
    let servers = addresses().into_iter().map(|address| format!("    server {address} {address}:{PORT}\n"));
    format!(
        "global
    nbthread {cpus}
    cpu-map auto:1/1-{cpus} 0-{}
    maxconn 4096
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend peers
    bind {VIP}:{PORT}
    default_backend servers
backend servers
    balance roundrobin
{}",
        cpus - 1,
        servers.collect::<String>()
    )
}

fn nginx(stream_module: Option<&Path>, pid_file: &Path) -> String {
    let module = stream_module.map(|path| format!("load_module {};\n", path.display())).unwrap_or_default();
    let servers = addresses().into_iter().map(|address| format!("        server {address}:{PORT};\n"));
    format!(
        "{module}daemon off;
pid {};
error_log stderr crit;
worker_processes auto;
worker_cpu_affinity auto;
worker_rlimit_nofile 16384;
events {{ worker_connections 4096; }}
stream {{
    upstream servers {{
{}    }}
    server {{
        listen {VIP}:{PORT} reuseport backlog=8192;
        proxy_pass servers;
    }}
}}
",
        pid_file.display(),
        servers.collect::<String>()
    )
}

/// Where the stream module is; `None` when it is part of nginx, or missing, as nginx then says.
fn stream_module() -> Option<PathBuf> {
    MODULES.iter().map(|folder| Path::new(folder).join("ngx_stream_module.so")).find(|module| module.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_proxies_have_a_worker_on_each_cpu_and_every_backend() {
        let (haproxy, nginx) = (haproxy(2), nginx(Some(Path::new("/m.so")), Path::new("/run/p")));
        for text in ["nbthread 2\n    cpu-map auto:1/1-2 0-1\n", "    server 198.18.1.3 198.18.1.3:8000\n"] {
            assert!(haproxy.contains(text), "{haproxy}");
        }
        for text in ["load_module /m.so;\n", "worker_cpu_affinity auto;\n", "        server 198.18.1.3:8000;\n    }\n"]
        {
            assert!(nginx.contains(text), "{nginx}");
        }
        assert!(super::nginx(None, Path::new("/run/p")).starts_with("daemon off;"));
    }
}
