//! Invites, and the address in them.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};

use crate::data::DataFolder;
use crate::{PORT, parse_nip, print};

/// Prints an invite.
pub async fn invite(data: &DataFolder, nip: Option<String>, address: Option<String>) -> Result<()> {
    let nip = nip.map(|nip| parse_nip(&nip)).transpose()?;
    let service = data.open().await?;
    let authority = data.authority();
    let names = if authority.exists() { authority.server().leaf()?.names } else { Vec::new() };
    let address = address.unwrap_or_else(|| usual_address(&names));
    let address = address.trim_end_matches('/').to_owned();
    let Some(host) = host(&address) else { bail!("Alamat harus seperti https://kantor.example:{PORT}.") };
    let is_secure = address.starts_with("https://");
    let is_ours = is_secure && names.iter().any(|name| name.eq_ignore_ascii_case(host));
    if !names.is_empty() && !is_ours {
        // It may be a proxy's or another certificate's.
        eprintln!(
            "Perhatian: {address} tidak ada di sertifikat server ({}). Undangan tidak membawa sertifikat.",
            names.join(", ")
        );
    }
    let ca = is_ours.then(|| authority.certificate()).transpose()?;
    let invite = service.invite(address, ca.as_deref(), nip).await?.context("Tidak ada pegawai dengan NIP itu.")?;
    print(&serde_json::to_string(&invite)?)
}

/// The address of a server whose certificate has these names.
fn usual_address(names: &[String]) -> String {
    match names.first() {
        None => format!("http://127.0.0.1:{PORT}"),
        Some(name) if name.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) => format!("https://[{name}]:{PORT}"),
        Some(name) => format!("https://{name}:{PORT}"),
    }
}

/// The host in an address; `None` for no address.
fn host(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let authority = rest.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => authority.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_host() {
        for (address, expected) in [
            ("http://127.0.0.1:8311", Some("127.0.0.1")),
            ("https://kantor.example", Some("kantor.example")),
            ("https://[2001:db8::7]:8311/lentera", Some("2001:db8::7")),
            ("https://:8311", None),
            ("ftp://kantor.example", None),
            ("kantor.example", None),
        ] {
            assert_eq!(host(address), expected, "{address}");
        }
        for names in [vec!["10.0.0.7".to_owned()], vec!["2001:db8::7".to_owned(), "x".to_owned()]] {
            assert_eq!(host(&usual_address(&names)), Some(names[0].as_str()));
        }
        assert_eq!(usual_address(&[]), "http://127.0.0.1:8311");
    }
}
