//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::Limits;
use super::paced::{Paced, Requests};
use crate::places::Place;

/// What hyper keeps of a connection at most, in each direction; a head must fit. Its least.
const BUFFER: usize = 8 * 1024;
/// Header lines of a request at most.
const HEADERS: usize = 32;
/// What is still read, and thrown away, after the last answer: closing on bytes unread would take back the answer on its way.
const LEFTOVER: u64 = 64 * 1024;

/// A connection that has its place.
pub struct Connection {
    pub socket: TcpStream,
    pub from: SocketAddr,
    pub place: Place,
    pub limits: Limits,
    pub stopping: watch::Receiver<bool>,
}

impl Connection {
    /// Serves it to its end.
    pub async fn serve(self, tls: Option<TlsAcceptor>, router: Router) -> io::Result<()> {
        let Self { socket, from, place, limits, stopping } = self;
        let endpoints = Endpoints { router, from, requests: Arc::default() };
        // An answer leaves in the moment it is there: small packets are no burden, half a second of waiting is.
        socket.set_nodelay(true)?;
        match tls {
            None => talk(socket, &place, limits, stopping, endpoints).await,
            Some(tls) => {
                let socket = timeout(limits.handshake, tls.accept(socket)).await??;
                talk(socket, &place, limits, stopping, endpoints).await
            }
        }
    }
}

async fn talk<T: AsyncRead + AsyncWrite + Unpin>(
    socket: T,
    place: &Place,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
    endpoints: Endpoints,
) -> io::Result<()> {
    let requests = Arc::clone(&endpoints.requests);
    let socket = Paced::new(socket, limits, Arc::clone(&requests));
    let mut connection = http1::Builder::new()
        // `Paced` holds the times.
        .header_read_timeout(None)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        // The signed answer tells the time; on a slow link each header costs.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(socket), endpoints);
    let crowded = place.crowded();
    let go = async {
        let crowded = crowded.notified();
        tokio::select! {
            () = crowded => {}
            // An error means that the listener is gone.
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    };
    let mut go = std::pin::pin!(go);
    let mut asked_to_go = false;
    let mut linger = true;
    loop {
        tokio::select! {
            biased;
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => {
                ended.map_err(io::Error::other)?;
                break;
            }
            () = &mut go, if !asked_to_go => {
                asked_to_go = true;
                linger = requests.is_serving();
                // Ends it at once where nothing is being served, else after the answer.
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    let mut socket = connection.into_parts().io.into_inner();
    socket.shutdown().await?;
    if linger {
        let _ = timeout(limits.linger, tokio::io::copy(&mut socket.take(LEFTOVER), &mut tokio::io::sink())).await;
    }
    Ok(())
}

/// The endpoints, as one connection sees them.
struct Endpoints {
    router: Router,
    from: SocketAddr,
    requests: Arc<Requests>,
}

impl Service<hyper::Request<Incoming>> for Endpoints {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: hyper::Request<Incoming>) -> Self::Future {
        let serving = self.requests.begin();
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.from));
        // A router is always ready.
        let answer = tower_service::Service::call(&mut self.router.clone(), request);
        Box::pin(async move {
            let answer = answer.await;
            drop(serving);
            answer
        })
    }
}
