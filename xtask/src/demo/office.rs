//! An example office for a person to look at: invented people in real places, a server, the app enrolled as one of them.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use super::build_programs;
use crate::{checkout, process};

const OFFICE: &str = "Dinas Contoh Kabupaten Balangan";
const PORT: u16 = 8311;
const PASSWORD: &str = "lentera-contoh";
/// A colleague in the first employee's unit, who has registered the example's enterprises.
const COLLEAGUE: &str = "199104172019032000";

/// Builds everything, makes the office anew, opens the app and stops the server when its window closes.
pub fn run() -> Result<()> {
    ensure!(
        env::var_os("DISPLAY").is_some() || env::var_os("WAYLAND_DISPLAY").is_some(),
        "there is no display here: run `cargo xtask demo --headless`"
    );
    let programs = build_programs()?;
    let office = Office::make(&programs)?;
    let server = office.serve()?;
    office.register_enterprises()?;
    let device = office.enrol(&office.nip, "device")?;
    println!("demo: enrolled {}; the password is now {PASSWORD}", office.nip);
    println!("demo: the app is open; close its window to end the demo");
    let closed = process::run(Command::new(programs.join("lentera-app")).env("LENTERA_DATA", &device));
    drop(server);
    closed
}

struct Office {
    programs: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    /// NIP of the employee whose app is opened.
    nip: String,
    /// Text of the invite.
    invite: String,
}

impl Office {
    /// Imports the example files and invites the first employee among them.
    fn make(programs: &Path) -> Result<Self> {
        let data = checkout::demo()?.join("office");
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("cannot remove the last demo in {}", data.display()))?;
        }
        fs::create_dir_all(&data)?;
        let address = free_address()?;
        let example = checkout::root()?.join("demo");
        let server = |arguments: &[&str]| {
            let mut command = Command::new(programs.join("lentera-server"));
            command.arg("--data").arg(data.join("server")).args(arguments);
            process::output(&mut command)
        };
        println!("demo: making {OFFICE} in {}", data.display());
        server(&["init", "--office", OFFICE])?;
        server(&["import", "wilayah", &example.join("wilayah.csv").display().to_string()])?;
        server(&["import", "staff", &example.join("staff.csv").display().to_string()])?;
        let nip = first_nip(&example.join("staff.csv"))?;
        let invite = server(&["invite", &nip, "--address", &format!("http://{address}")])?;
        fs::write(data.join("invite.json"), &invite)?;
        let invite = String::from_utf8(invite).context("the invite is not text")?;
        Ok(Self { programs: programs.to_path_buf(), data, address, nip, invite })
    }

    /// Starts the server and waits until it answers.
    fn serve(&self) -> Result<Server> {
        let mut command = Command::new(self.programs.join("lentera-server"));
        command.arg("--data").arg(self.data.join("server")).args(["serve", "--listen", &self.address.to_string()]);
        let log = fs::File::create(self.data.join("server.log"))?;
        let mut server =
            Server(command.stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log).spawn().context("cannot start the server")?);
        for _ in 0..100 {
            if is_healthy(self.address) {
                println!("demo: the server listens on {}; its log is {}", self.address, self.data.join("server.log").display());
                return Ok(server);
            }
            if let Some(status) = server.0.try_wait()? {
                bail!("the server ended ({status}): see {}", self.data.join("server.log").display());
            }
            sleep(Duration::from_millis(100));
        }
        bail!("the server does not answer on {}", self.address)
    }

    /// Lets the colleague register the example's enterprises, from a device of their own.
    fn register_enterprises(&self) -> Result<()> {
        let device = self.enrol(COLLEAGUE, "colleague")?;
        let file = checkout::root()?.join("demo/umkm.json");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let forms: Vec<serde_json::Value> = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
        for form in &forms {
            self.client(&device, &["call", "register_umkm", &json!({ "form": form }).to_string()])?;
        }
        self.client(&device, &["sync"])?;
        println!("demo: a colleague has registered {} enterprises", forms.len());
        Ok(())
    }

    /// Enrols a device for a member of staff and names its data folder.
    fn enrol(&self, nip: &str, folder: &str) -> Result<PathBuf> {
        let device = self.data.join(folder);
        // The first password is the birth date in the NIP; it is good for nothing but choosing another.
        let first_password: String = nip.chars().take(8).collect();
        let call = json!({ "invite": self.invite, "nip": nip, "password": first_password, "new_password": PASSWORD });
        self.client(&device, &["call", "enrol", &call.to_string()])?;
        Ok(device)
    }

    /// Runs `lentera` on a device's data folder.
    fn client(&self, device: &Path, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.programs.join("lentera"));
        process::output(command.arg("--data").arg(device).args(arguments)).map(drop)
    }
}

/// A running server that ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, and nobody is left to tell.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The usual port of the demo, or another where something listens on it already.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    listener.and_then(|listener| listener.local_addr()).context("no free port on 127.0.0.1")
}

fn is_healthy(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The first value of the column `nip`.
fn first_nip(staff: &Path) -> Result<String> {
    let text = fs::read_to_string(staff).with_context(|| format!("cannot read {}", staff.display()))?;
    let mut lines = text.lines().map(|line| line.split(','));
    let column = lines.next().and_then(|mut header| header.position(|name| name == "nip"));
    let nip = column.and_then(|column| lines.next()?.nth(column).map(str::to_owned));
    nip.with_context(|| format!("{} names no nip", staff.display()))
}
