//! A slow, lossy, breaking link between two network namespaces: in one the device, in the other the server, both with the system's own TCP.
//! Two TUN devices are joined by threads of this process, which hold packets up, lose them, count them and go dark. Linux as root only.

mod flow;
mod packet;
mod wire;

use std::fs::File;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tappers::Interface;
use tappers::linux::Tun;

use crate::process::{self, Place};

pub use flow::Flow;
use wire::Wire;
pub use wire::{Traffic, Way};

/// The device's address.
pub const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The server's address.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
/// Largest packet, as in mobile networks.
const MTU: &str = "1400";

/// What the link is like, the same in both directions.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Bits per second, thousands; 0 for no limit.
    pub rate_kbit: u32,
    /// How long a packet is under way, beside its own length.
    pub delay: Duration,
    /// Packets lost, of a hundred.
    pub loss_percent: f64,
    /// Whether and how it breaks.
    pub blackout: Option<Blackout>,
}

/// The link goes dark again and again.
#[derive(Clone, Copy, Debug)]
pub struct Blackout {
    /// After so many bytes were delivered, both ways together.
    pub every_bytes: u64,
    /// For so long.
    pub lasts: Duration,
    /// What becomes of the connections there are.
    pub cut: Cut,
}

/// What becomes of connections when the link goes dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// They go on afterwards.
    Pause,
    /// They are gone, and the device's system knows it, as a phone's does when it loses its network. The server is told nothing.
    Told,
    /// They are gone and nobody is told, as with a translating router that forgot them.
    Silent,
}

impl Terms {
    /// As fast as this machine.
    pub const PLAIN: Self = Self { rate_kbit: 0, delay: Duration::ZERO, loss_percent: 0.0, blackout: None };
    /// EDGE on a poor day: 25 kbit/s, 350 ms one way.
    pub const EDGE: Self = Self { rate_kbit: 25, delay: Duration::from_millis(350), ..Self::PLAIN };

    /// The same with so many packets of a hundred lost.
    pub const fn losing(self, loss_percent: f64) -> Self {
        Self { loss_percent, ..self }
    }

    /// The same, breaking.
    pub const fn breaking(self, blackout: Blackout) -> Self {
        Self { blackout: Some(blackout), ..self }
    }
}

/// The two namespaces and what lies between them. Gone with this value, and so are the programs in them that do not end by themselves.
pub struct Link {
    wire: Arc<Wire>,
    name: String,
}

impl Link {
    /// Why there can be no such link here; `None` where there can.
    pub fn missing() -> Option<&'static str> {
        if !process::is_root() {
            return Some("this is not run as root");
        }
        if File::options().read(true).write(true).open("/dev/net/tun").is_err() {
            return Some("there is no /dev/net/tun");
        }
        let probe = free_name();
        let made = ip(&["netns", "add", &probe]).and_then(|()| ip(&["netns", "del", &probe]));
        made.is_err().then_some("no network namespace can be made")
    }

    /// Opens a link. `seed` decides which packets are lost.
    ///
    /// # Errors
    /// When the system refuses; see [`Link::missing`].
    pub fn open(seed: u64, terms: Terms) -> Result<Self> {
        let name = free_name();
        let device = make_end(&name, "d", DEVICE, SERVER)?;
        let server = make_end(&name, "s", SERVER, DEVICE);
        // From here on both go with this value, whatever fails.
        let link = Self { wire: Wire::join(device, server?, seed, terms), name };
        Ok(link)
    }

    /// Where the device is.
    pub fn device(&self) -> Place {
        Place::within(&format!("{}d", self.name))
    }

    /// Where the server is.
    pub fn server(&self) -> Place {
        Place::within(&format!("{}s", self.name))
    }

    /// Changes what the link is like from now on.
    pub fn set(&self, terms: Terms) {
        self.wire.set(terms);
    }

    /// Ends the connections there are; the link stays open for others.
    pub fn cut(&self, cut: Cut) {
        self.wire.cut(cut);
    }

    /// Nothing passes until [`Link::lighten`].
    pub fn darken(&self) {
        self.wire.darken();
    }

    /// What [`Link::darken`] began ends.
    pub fn lighten(&self) {
        self.wire.lighten();
    }

    /// What passed since the last [`Link::forget`].
    pub fn traffic(&self) -> Traffic {
        self.wire.traffic()
    }

    /// The connections opened or used since the last [`Link::forget`], oldest first.
    pub fn flows(&self) -> Vec<Flow> {
        self.wire.flows()
    }

    /// Counts from zero; connections stay known.
    pub fn forget(&self) {
        self.wire.forget();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for end in ["d", "s"] {
            let name = format!("{}{end}", self.name);
            // Their threads end when the devices do. What is missing already is what is wanted.
            let _ = ip(&["-n", &name, "link", "del", &name]);
            let _ = ip(&["netns", "del", &name]);
        }
    }
}

/// A name that no other link has. A TUN device is born in this namespace and moved then: its name must be free here, and have 15 letters at most.
fn free_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("lt{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

/// A namespace with a TUN device in it whose other side is this process.
fn make_end(link: &str, end: &str, own: Ipv4Addr, other: Ipv4Addr) -> Result<Tun> {
    let name = format!("{link}{end}");
    let interface = Interface::new(name.as_str()).context("a name for a network device")?;
    let tun = Tun::create_named(interface).context("cannot make a TUN device")?;
    ip(&["netns", "add", &name])?;
    ip(&["link", "set", &name, "netns", &name])?;
    ip(&["-n", &name, "addr", "add", &own.to_string(), "peer", &other.to_string(), "dev", &name])?;
    ip(&["-n", &name, "link", "set", &name, "mtu", MTU, "up"])?;
    ip(&["-n", &name, "link", "set", "lo", "up"])?;
    Ok(tun)
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output().context("cannot start ip")?;
    ensure!(output.status.success(), "ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
