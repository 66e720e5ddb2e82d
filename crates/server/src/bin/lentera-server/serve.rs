//! `serve`: the server at work.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use lentera_server::clock::{Clock, SystemClock};
use lentera_server::http::gate::Gate;
use lentera_server::tls::certificate::Certificate;
use lentera_server::tls::{Files, WARNING_DAYS, ends_within};
use lentera_server::{http, listen};

use crate::data::DataFolder;
use crate::{PORT, Serve, print};

/// What was let in and has lost its connection gets so much longer to be kept.
const LAST_WORK: Duration = Duration::from_secs(10);
/// How often the certificate's end is looked at.
const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs the server until it is asked to stop.
pub async fn serve(data: &DataFolder, arguments: Serve) -> Result<()> {
    start_log(arguments.log_json);
    let own = data.authority();
    let files = match (arguments.tls_cert, arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(Files { certificate, key }),
        _ => own.exists().then(|| own.server()),
    };
    let tls = files.as_ref().map(Files::acceptor).transpose().context("TLS")?;
    let service = Arc::new(data.open().await?.watching(&data.watch()).await?);
    let scheme = if tls.is_some() { "https" } else { "http" };
    // Opening to a network is the operator's decision, never a default.
    let address = arguments.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], PORT)));
    let listener = listen::bind(address).with_context(|| format!("Tidak dapat mendengarkan di {address}."))?;
    let address = listener.local_addr()?;
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(
            "tanpa TLS: siapa pun di jaringan dapat membaca isinya; sebutkan --tls-cert dan --tls-key, atau jalankan renew-certificate --name"
        );
    }
    if let Some(leaf) = files.as_ref().map(Files::leaf).transpose()? {
        tokio::spawn(watch_end(leaf));
    }
    print(&format!("listening on {scheme}://{address}"))?;
    let gate = Gate::default();
    let router = http::router_behind(gate.clone(), service);
    listen::serve(listener, tls, router, listen::Limits::default().within_files(), stop_signal()?).await;
    if tokio::time::timeout(LAST_WORK, gate.emptied()).await.is_err() {
        tracing::warn!("stopped with work in progress: it was not acknowledged, and is sent again");
    }
    Ok(())
}

/// Says every day, from some weeks before, that the certificate ends.
async fn watch_end(leaf: Certificate) {
    let mut days = tokio::time::interval(DAILY);
    loop {
        days.tick().await;
        match ends_within(&leaf, SystemClock.now(), WARNING_DAYS) {
            Some(left) if left < 0 => {
                tracing::error!(
                    "sertifikat server sudah berakhir; perangkat tidak dapat mengirim: perbarui dengan renew-certificate"
                );
            }
            Some(left) => tracing::warn!(left, "sertifikat server berakhir dalam {left} hari: perbarui dengan renew-certificate"),
            None => {}
        }
    }
}

/// Ends when the system or the operator asks the server to stop.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn start_log(json: bool) {
    // Automerge tells of every document it loads; at the month's end that took a twelfth of the processor.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,automerge=warn".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { log.json().init() } else { log.init() }
}
