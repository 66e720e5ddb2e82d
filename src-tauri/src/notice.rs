//! A window with one sentence, for when the engine cannot be opened and so no screen can be shown.

use lentera_api::{Error, Language, sentence};
use tauri::http::{Response, header};
use tauri::{App, AppHandle, Manager, Url, WebviewUrl, WebviewWindowBuilder};

use crate::platform;

/// Label of the window; it has no capability at all.
pub const WINDOW: &str = "notice";
/// Scheme of its page.
pub const SCHEME: &str = "notice";
const ADDRESS: &str = if cfg!(any(windows, target_os = "android")) { "http://notice.localhost/" } else { "notice://localhost/" };

struct Notice(String);

/// Says why Lentera did not open. Closing the window ends the process with 1.
pub fn show(app: &App, error: &Error) {
    let sentence = sentence(error, Language::default());
    eprintln!("{sentence}");
    app.manage(Notice(sentence));
    let opened = Url::parse(ADDRESS).is_ok_and(|address| {
        let window = WebviewWindowBuilder::new(app, WINDOW, WebviewUrl::CustomProtocol(address));
        platform::frame_notice(window).build().is_ok()
    });
    if !opened {
        app.handle().exit(1);
    }
}

/// The page of the window.
pub fn page(app: &AppHandle) -> Response<Vec<u8>> {
    let sentence = app.try_state::<Notice>().map(|notice| escape(&notice.0)).unwrap_or_default();
    let page = format!(
        "<!doctype html><html lang=id><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>Lentera</title>\
         <style>body{{margin:0;min-height:100vh;display:grid;place-content:center;padding:0 24px;box-sizing:border-box;\
         background:#0F3D3E;color:#FFF;font:20px/1.5 system-ui,sans-serif;text-align:center}}</style>\
         <p role=alert data-test=notice>{sentence}"
    );
    let mut response = Response::new(page.into_bytes());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(policy));
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_detail_cannot_become_a_tag() {
        assert_eq!(escape("<img src=x> & co"), "&lt;img src=x> &amp; co");
    }
}
