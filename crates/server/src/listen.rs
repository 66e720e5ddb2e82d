//! The server's socket. What a slow or greedy client may hold is bounded here: connections, handshakes, heads, silence.
//!
//! Bodies are held to their pace where they are read ([`crate::http`]).

mod connection;
mod paced;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::pace::Pace;
use crate::places::Places;
use connection::Connection;

/// Connections at one moment. Idle ones take some kilobytes each.
pub const CONNECTIONS_MAX: usize = 8192;
/// Connections from one address at one moment. Far above one person's: behind one address of a telephone company sits a whole kecamatan.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 2048;
/// A TLS handshake takes at most this long; on a slow link it takes some seconds.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(15);
/// A request's head is whole at most this long after its first byte, or after the connection was made.
pub const HEAD_TIME: Duration = Duration::from_secs(15);
/// Between two requests a connection is kept at most this long: a device in use asks about once a minute.
pub const IDLE_TIME: Duration = Duration::from_secs(90);
/// After the last answer the other side's last bytes are waited for this long.
pub const LINGER_TIME: Duration = Duration::from_secs(2);
/// Requests in progress when the server is stopped get this long to end.
pub const FAREWELL_TIME: Duration = Duration::from_secs(10);
/// Connections that the system keeps for us until we come to them.
const BACKLOG: u32 = 4096;
/// Files that are not connections: database, standard streams.
const FILES_KEPT: usize = 64;
/// After a failed accept (no more files, mostly) it is tried again this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a client without TLS is told when there is no place; nothing was read.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What clients may hold.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the constants say it")]
pub struct Limits {
    pub connections: usize,
    pub per_address: usize,
    pub handshake: Duration,
    pub head: Duration,
    pub idle: Duration,
    pub linger: Duration,
    pub farewell: Duration,
    /// Of the reader of an answer.
    pub pace: Pace,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            per_address: CONNECTIONS_PER_ADDRESS_MAX,
            handshake: HANDSHAKE_TIME,
            head: HEAD_TIME,
            idle: IDLE_TIME,
            linger: LINGER_TIME,
            farewell: FAREWELL_TIME,
            pace: Pace::default(),
        }
    }
}

impl Limits {
    /// No more connections than the process may have files. It asks the system for as many as it wants first.
    #[must_use]
    pub fn within_files(mut self) -> Self {
        if let Some(files) = files_allowed(self.connections + FILES_KEPT) {
            self.connections = self.connections.min(files.saturating_sub(FILES_KEPT)).max(1);
        }
        self
    }
}

/// Files that the process may have, raised to `wanted` where the system lets it; `None` for no limit.
#[cfg(unix)]
fn files_allowed(wanted: usize) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = wanted as u64;
    let goal = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let reached = match limit.current {
        None => return None,
        Some(current) if current >= goal => current,
        Some(current) => {
            let raised = Rlimit { current: Some(goal), maximum: limit.maximum };
            if setrlimit(Resource::Nofile, raised).is_ok() { goal } else { current }
        }
    };
    usize::try_from(reached).ok()
}

#[cfg(not(unix))]
const fn files_allowed(_: usize) -> Option<usize> {
    None
}

/// Listens at an address.
///
/// # Errors
/// The system's, such as an address in use.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Without it a restart would wait for the last run's connections to be forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `router` until `stop` ends and the requests in progress have, within [`Limits::farewell`].
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Places::new(limits.connections, limits.per_address));
    let (stopping, stops) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, from)) => {
                    let Some(place) = places.take(from.ip()) else {
                        refuse(&socket, tls.is_some());
                        continue;
                    };
                    let connection = Connection { socket, from, place, limits, stopping: stops.clone() };
                    let served = connection.serve(tls.clone(), router.clone());
                    connections.spawn(async move {
                        if let Err(error) = served.await {
                            tracing::debug!(%error, "connection");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accept");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    tracing::info!(connections = connections.len(), "stopping");
    // They listen as long as they live; with none left, nobody needs to know.
    let _ = stopping.send(true);
    let ended = tokio::time::timeout(limits.farewell, async { while connections.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(connections = connections.len(), "cut off");
        connections.shutdown().await;
    }
}

/// Sends away who has no place.
fn refuse(socket: &TcpStream, is_tls: bool) {
    if !is_tls {
        // A fresh socket takes so little at once; if not, the client sees it closed, which says the same.
        let _ = socket.try_write(NO_PLACE);
    }
}
