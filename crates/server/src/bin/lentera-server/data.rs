//! The server's data folder.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use lentera_server::clock::SystemClock;
use lentera_server::service::{Service, server_key};
use lentera_server::storage::Sqlite;
use lentera_server::tls::authority::Authority;

/// Where everything of one office is kept.
pub struct DataFolder(pub PathBuf);

impl DataFolder {
    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.0.join("lentera-server.sqlite")
    }

    /// The file of the key that signs.
    pub fn key_file(&self) -> PathBuf {
        self.0.join("server.key")
    }

    /// The running server's watch over foreign bytes.
    pub fn watch(&self) -> PathBuf {
        self.0.join("watch")
    }

    /// The watch of a command beside it: neither may take the other's for its own.
    pub fn import_watch(&self) -> PathBuf {
        self.0.join("watch-import")
    }

    /// The office's own certificate authority.
    pub fn authority(&self) -> Authority {
        Authority::new(self.0.join("tls"))
    }

    /// The service of an office that was made.
    pub async fn open(&self) -> Result<Service<Sqlite>> {
        let none = || format!("Belum ada kantor di {}. Jalankan init dulu.", self.0.display());
        ensure!(self.database().exists(), none());
        let key = server_key::read(&self.key_file()).context("server.key")?;
        let service = Service::new(Sqlite::open(&self.database())?, key, Arc::new(SystemClock));
        ensure!(service.office().await?.is_some(), none());
        Ok(service)
    }
}
