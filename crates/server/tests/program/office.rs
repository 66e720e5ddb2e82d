//! An office with two people, and the program that serves it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use ed25519_dalek::{SigningKey, VerifyingKey};
use serde_json::Value;
use tempfile::TempDir;

pub const SITI: &str = "197203151998032000";
pub const LAILA: &str = "199001012022212001";

const STAFF: &str = "nip,nama,jabatan,unit,atasan_nip
197203151998032000,Siti Contoh,Penyuluh,Bidang Perindustrian,
199001012022212001,Laila Contoh,Penyuluh,Bidang Perdagangan,
";

pub struct Office {
    folder: TempDir,
    server: Option<Child>,
    url: String,
    /// What was printed and is not read stays readable, so that the server can go on.
    _said: Vec<BufReader<std::process::ChildStdout>>,
}

impl Office {
    /// One that speaks TLS as 127.0.0.1, or plainly.
    pub fn make(is_secure: bool) -> Self {
        let office = Self { folder: tempfile::tempdir().unwrap(), server: None, url: String::new(), _said: Vec::new() };
        let names: &[&str] = if is_secure { &["--name", "127.0.0.1"] } else { &[] };
        office.run(&[&["init", "--office", "Disperindag Contoh"], names].concat());
        let staff = office.data().join("staff.csv");
        fs::write(&staff, STAFF).unwrap();
        office.run(&["import", "staff", staff.to_str().unwrap()]);
        office
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that signs for the office.
    pub fn key(&self) -> VerifyingKey {
        let seed = fs::read(self.data().join("server.key")).unwrap().try_into().unwrap();
        SigningKey::from_bytes(&seed).verifying_key()
    }

    pub fn invite(&self) -> Value {
        serde_json::from_str(&self.run(&["invite"])).unwrap()
    }

    /// Runs a command that must succeed; what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = output(self.data(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail; what it complained.
    pub fn fail(&self, arguments: &[&str]) -> String {
        fail_in(self.data(), arguments)
    }

    /// Starts the server where it was before, or on a free port, and waits until it listens.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same, with more to say to `serve`.
    pub fn start_with(&mut self, arguments: &[&str]) {
        assert!(self.server.is_none());
        let at = self.url.rsplit('/').next().filter(|at| !at.is_empty()).unwrap_or("127.0.0.1:0").to_owned();
        let mut command = command(self.data(), &[&["serve", "--listen", &at], arguments].concat());
        let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        self.url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        self.server = Some(server);
        self._said.push(said);
    }

    /// Asks the server to stop and waits until it has; it must end well.
    pub async fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        let asked = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let status = tokio::task::spawn_blocking(move || server.wait().unwrap()).await.unwrap();
        assert!(status.success(), "{status}");
    }

    /// Ends the server in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn fail_in(data: &Path, arguments: &[&str]) -> String {
    let output = output(data, arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn output(data: &Path, arguments: &[&str]) -> Output {
    command(data, arguments).output().unwrap()
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lentera-server"));
    command.arg("--data").arg(data).args(arguments).stdin(Stdio::null());
    command
}
