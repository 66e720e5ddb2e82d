//! An office: a server with its data, staff and regions, that can be stopped and started like a real one.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rusqlite::{Connection, OpenFlags, Row};

use crate::process::Place;
use crate::{process, wait};

/// How long a server may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// An office's server and its data folder. Ends with this value.
pub struct Office {
    data: PathBuf,
    site: Site,
    server: Option<Child>,
}

/// Where a server is found, and how it speaks.
#[derive(Clone, Debug)]
pub struct Site {
    /// The address it listens on, the same every time it is started.
    pub address: SocketAddr,
    /// Where it runs.
    pub place: Place,
    /// With TLS by certificates of its own, which `init` makes and its invites name.
    pub secure: bool,
}

impl Site {
    /// On this machine, at a free port, without TLS.
    ///
    /// # Errors
    /// When no port is free.
    pub fn local() -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        Ok(Self { address, place: Place::default(), secure: false })
    }

    /// At the far end of a link, without TLS.
    #[cfg(target_os = "linux")]
    pub fn behind(link: &crate::Link) -> Self {
        Self { address: SocketAddr::from((crate::link::SERVER, 8311)), place: link.server(), secure: false }
    }

    /// The same with TLS.
    #[must_use]
    pub fn secure(self) -> Self {
        Self { secure: true, ..self }
    }
}

impl Office {
    /// Makes an office in the folder `data`, with the staff and regions of the example. Its server is not started.
    ///
    /// # Errors
    /// When the server's program refuses a step.
    pub fn make(data: &Path, name: &str) -> Result<Self> {
        Self::make_at(data, name, Site::local()?)
    }

    /// The same, somewhere.
    ///
    /// # Errors
    /// As [`Office::make`].
    pub fn make_at(data: &Path, name: &str, site: Site) -> Result<Self> {
        let host = site.address.ip().to_string();
        let named: &[&str] = if site.secure { &["--name", &host] } else { &[] };
        let office = Self::at(data, site);
        let example = process::example();
        office.run(&[&["init", "--office", name], named].concat())?;
        office.run(&["import", "wilayah", &example.join("wilayah.csv").to_string_lossy()])?;
        office.run(&["import", "staff", &example.join("staff.csv").to_string_lossy()])?;
        Ok(office)
    }

    /// A folder and a free address, with nothing in it yet.
    ///
    /// # Errors
    /// When no port is free.
    pub fn empty(data: &Path) -> Result<Self> {
        Ok(Self::at(data, Site::local()?))
    }

    /// The same, somewhere.
    pub fn at(data: &Path, site: Site) -> Self {
        Self { data: data.to_path_buf(), site, server: None }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.site.address
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Runs one command of `lentera-server` to its end, whatever that is.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn try_run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command()?;
        command.args(arguments).output().with_context(|| format!("cannot start {command:?}"))
    }

    /// Runs one command of `lentera-server` and gives back what it printed.
    ///
    /// # Errors
    /// When it fails, with what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.try_run(arguments)?;
        ensure!(output.status.success(), "{arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The invite for a member of staff: the text of its file.
    ///
    /// # Errors
    /// When the server makes none.
    pub fn invite(&self, nip: &str) -> Result<String> {
        self.run(&["invite", nip, "--address", &self.url()])
    }

    /// The server's address, as in an invite; the same every time it is started.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.site.secure { "https" } else { "http" }, self.site.address)
    }

    /// Starts the server and waits until it listens.
    ///
    /// # Errors
    /// When it ends or stays silent, with its log.
    pub fn start(&mut self) -> Result<()> {
        ensure!(self.server.is_none(), "the server runs already");
        let (said, log) = (self.data.join("serve.out"), self.data.join("serve.log"));
        let mut server = self
            .command()?
            .args(["serve", "--listen", &self.site.address.to_string()])
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(File::create(&log)?)
            .spawn()?;
        let listens = wait::blocking("the server listens", START_LIMIT, || {
            if server.try_wait()?.is_some() {
                return Ok(Some(false));
            }
            Ok(fs::read_to_string(&said)?.contains("listening on ").then_some(true))
        });
        if !listens.as_ref().is_ok_and(|listens| *listens) {
            process::kill(&mut server);
            bail!("the server did not start: {}", fs::read_to_string(&log)?);
        }
        self.server = Some(server);
        Ok(())
    }

    /// The server, which does not run, is found somewhere else from now on.
    ///
    /// # Errors
    /// When no port is free.
    pub fn move_away(&mut self) -> Result<()> {
        self.site.address = Site::local()?.address;
        Ok(())
    }

    /// Asks the server to end and waits for it.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub fn stop(&mut self) -> Result<()> {
        process::end(&mut self.server.take().context("the server does not run")?)
    }

    /// Ends the server as a power cut would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        process::kill(&mut self.server.take().context("the server does not run")?);
        Ok(())
    }

    /// Ids of all rows of a table of the server's database, which may be in use, in order.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn ids(&self, table: &str) -> Result<Vec<String>> {
        self.ask(&format!("SELECT id FROM {table} ORDER BY id"), |row| row.get(0))
    }

    /// Asks the server's database, which may be in use.
    ///
    /// # Errors
    /// When it cannot be read so.
    pub fn ask<T>(&self, query: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        let file = self.data.join("lentera-server.sqlite");
        let database = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut query = database.prepare(query)?;
        let rows = query.query_map([], read)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// The server's process, while it runs.
    pub fn process(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    fn command(&self) -> Result<Command> {
        let mut command = self.site.place.command(&process::program("lentera-server")?);
        command.arg("--data").arg(&self.data);
        Ok(command)
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            process::kill(server);
        }
    }
}
