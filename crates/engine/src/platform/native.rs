//! The platform of phones and desktops.

mod network;
mod tls;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use lentera_domain::Timestamp;
use lentera_protocol::bundle::Boot;
use lentera_protocol::limits::ANSWER_MAX;

use super::{Platform, Post, Response, TransportError};

/// How long one request may take in all: long enough for a full request over EDGE, short enough to try again within one stay under a mast.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// How long connecting may take: half a dozen round trips of a bad link.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The system's clock, randomness, network and disk. Must live inside a Tokio runtime.
#[derive(Debug)]
pub struct NativePlatform {
    /// One client for each certificate authority, so that connections stay open and TLS sessions are resumed.
    clients: RefCell<HashMap<Option<Vec<u8>>, reqwest::Client>>,
    documents: Option<PathBuf>,
}

impl NativePlatform {
    /// A platform with its own connections. `documents` is where people look for files of theirs.
    ///
    /// # Errors
    /// Why TLS could not be set up.
    pub fn new(documents: Option<PathBuf>) -> Result<Self, String> {
        let platform = Self { clients: RefCell::default(), documents };
        platform.client(None).map_err(|error| error.to_string())?;
        Ok(platform)
    }

    /// The client that trusts `ca` alone, or the system's authorities.
    fn client(&self, ca: Option<&[u8]>) -> Result<reqwest::Client, TransportError> {
        let key = ca.map(<[u8]>::to_vec);
        if let Some(client) = self.clients.borrow().get(&key) {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(ca) = ca {
            builder = builder.tls_backend_preconfigured(tls::trusting_only(ca).ok_or(TransportError::BadAddress)?);
        }
        let client = builder.build().map_err(|_| TransportError::BadAddress)?;
        self.clients.borrow_mut().insert(key, client.clone());
        Ok(client)
    }
}

impl Platform for NativePlatform {
    #[expect(clippy::disallowed_methods, reason = "the engine's one clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn boot(&self) -> Option<Boot> {
        // Linux and Android: /proc/uptime counts through suspend. Elsewhere, and where an app may not read it, there is no evidence of this kind.
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let (seconds, hundredths) = uptime.split_whitespace().next()?.split_once('.')?;
        let millis = seconds.parse::<i64>().ok()?.checked_mul(1000)? + hundredths.parse::<i64>().ok()? * 10;
        let id = uuid::Uuid::try_parse(boot_id.trim()).ok()?.as_u64_pair().0;
        Some(Boot { id, millis })
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            // Without randomness there are no keys and no names: nothing sensible is left to do in this process.
            std::process::abort();
        }
    }

    fn sleep(&self, millis: u64) -> LocalBoxFuture<'static, ()> {
        tokio::time::sleep(Duration::from_millis(millis)).boxed_local()
    }

    fn post(&self, post: Post) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        let client = self.client(post.ca.as_deref());
        async move {
            let request = client?.post(post.url).header("content-type", "application/cbor").body(post.body);
            let mut response = request.send().await.map_err(|error| classify(&error))?;
            let status = response.status().as_u16();
            let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(|error| classify(&error))? {
                if body.len() + piece.len() > ANSWER_MAX {
                    return Err(TransportError::BadAnswer);
                }
                body.extend_from_slice(&piece);
            }
            Ok(Response { status, body, retry_after })
        }
        .boxed_local()
    }

    fn network(&self) -> Option<bool> {
        network::is_up()
    }

    fn free_space(&self, path: &Path) -> Option<u64> {
        #[cfg(unix)]
        {
            let disk = rustix::fs::statvfs(path).ok()?;
            disk.f_bavail.checked_mul(disk.f_frsize)
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            None
        }
    }

    fn documents_folder(&self) -> Option<PathBuf> {
        self.documents.clone()
    }
}

fn classify(error: &reqwest::Error) -> TransportError {
    match tls::classify(error) {
        Some(certificate) => certificate,
        None if error.is_builder() => TransportError::BadAddress,
        None if error.is_connect() => TransportError::Unreachable,
        None => TransportError::CutOff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_authority_is_told_and_good_clients_are_kept() {
        let platform = NativePlatform::new(None).unwrap();
        assert_eq!(platform.client(Some(b"no certificate")).unwrap_err(), TransportError::BadAddress);
        platform.client(None).unwrap();
        assert_eq!(platform.clients.borrow().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_disk_tells_how_much_is_free() {
        let platform = NativePlatform::new(None).unwrap();
        assert!(platform.free_space(Path::new("/")).unwrap() > 0);
        assert_eq!(platform.free_space(Path::new("/no such folder")), None);
    }

    #[test]
    fn a_server_that_is_not_there_and_one_that_hangs_up_are_told_apart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let post = |url: &str| {
            let post = Post { url: url.to_owned(), body: vec![1], ca: None };
            runtime.block_on(async { NativePlatform::new(None).unwrap().post(post).await.map(|_| ()) })
        };
        let hangs_up = std::thread::spawn(move || drop(listener.accept().unwrap()));
        assert_eq!(post(&url), Err(TransportError::CutOff));
        hangs_up.join().unwrap();
        assert_eq!(post(&url), Err(TransportError::Unreachable));
        assert_eq!(post("no address"), Err(TransportError::BadAddress));
    }
}
