//! The real window, driven through WebDriver as a finger and a keyboard would. Linux only, like the driver it uses.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::{process, wait};

/// Width and height of a cheap phone's screen.
pub const PHONE: (u32, u32) = (360, 740);
/// Width and height of the window as it opens on a desktop.
pub const DESKTOP: (u32, u32) = (1024, 740);

/// How long the app may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// How long a screen may take to show what was asked for.
const SHOW_LIMIT: Duration = Duration::from_secs(10);
/// How long a resized page may take to be drawn anew.
const DRAW_TIME: Duration = Duration::from_millis(400);

/// An open window over a data folder. Ends with this value.
pub struct Window {
    data: PathBuf,
    driver: Child,
    client: Client,
}

impl Window {
    /// Opens the app on the data folder `data`. What it prints goes to `data` with the ending `.log`.
    ///
    /// # Errors
    /// When the driver or the app does not start.
    pub async fn open(data: &Path, (width, height): (u32, u32)) -> Result<Self> {
        let app = process::program("lentera-app")?;
        let (port, native_port) = (free_port()?, free_port()?);
        let log = File::options().create(true).append(true).open(data.with_extension("log"))?;
        let program = env::var_os("LENTERA_DRIVER").unwrap_or_else(|| "tauri-driver".into());
        let driver = Command::new(&program)
            .args(["--port", &port.to_string(), "--native-port", &native_port.to_string()])
            .env("LENTERA_DATA", data)
            .env("LENTERA_WINDOW", format!("{width}x{height}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}: run `cargo xtask setup`", program.display()))?;
        // From here on the driver ends with this value, whatever fails.
        let mut driver = Driver(Some(driver));
        wait::until("the WebDriver answers", OPEN_LIMIT, async || {
            let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
            Ok((listens(port) && listens(native_port)).then_some(()))
        })
        .await?;
        let wishes = json!({ "tauri:options": { "application": app } }).as_object().cloned().unwrap_or_default();
        let address = format!("http://127.0.0.1:{port}");
        let session = ClientBuilder::rustls()?.capabilities(wishes).connect(&address).await;
        let client = session.with_context(|| {
            let log = fs::read_to_string(data.with_extension("log")).unwrap_or_default();
            format!("the app did not open: {log}")
        })?;
        let driver = driver.0.take().context("the driver is gone")?;
        Ok(Self { data: data.to_path_buf(), driver, client })
    }

    /// The first element with this test name that is to be seen.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn find(&self, test: &str) -> Result<Element> {
        self.find_by(&format!("[data-test=\"{test}\"]")).await
    }

    /// Whether an element with this test name is to be seen now.
    ///
    /// # Errors
    /// When the window does not answer.
    pub async fn shows(&self, test: &str) -> Result<bool> {
        Ok(self.look(&format!("[data-test=\"{test}\"]")).await?.is_some())
    }

    /// Presses the element with this test name.
    ///
    /// # Errors
    /// When it is not there in time, or something lies over it.
    pub async fn click(&self, test: &str) -> Result<()> {
        let selector = format!("[data-test=\"{test}\"]");
        self.click_by(&selector).await
    }

    /// Presses the one of many elements with this test name whose attribute has this value.
    ///
    /// # Errors
    /// As [`Window::click`].
    pub async fn click_by_attribute(&self, test: &str, name: &str, value: &str) -> Result<()> {
        self.click_by(&format!("[data-test=\"{test}\"][{name}=\"{value}\"]")).await
    }

    /// Replaces the text of a field, by its name or its test name.
    ///
    /// # Errors
    /// When there is no such field in time.
    pub async fn fill(&self, field: &str, text: &str) -> Result<()> {
        wait::until(&format!("the field {field} takes its text"), SHOW_LIMIT, async || {
            let Some(element) = self.look(&field_selector(field)).await? else { return Ok(None) };
            self.reach(&element).await?;
            element.clear().await.map_err(told)?;
            element.send_keys(text).await.map_err(told)?;
            Ok(Some(()))
        })
        .await
    }

    /// Types after what a field holds already.
    ///
    /// # Errors
    /// When there is no such field in time.
    pub async fn type_on(&self, field: &str, text: &str) -> Result<()> {
        Ok(self.find_by(&field_selector(field)).await?.send_keys(text).await?)
    }

    /// What a field holds.
    ///
    /// # Errors
    /// When there is no such field in time.
    pub async fn value(&self, field: &str) -> Result<String> {
        let element = self.find_by(&field_selector(field)).await?;
        Ok(element.prop("value").await?.unwrap_or_default())
    }

    /// An attribute of the first element with this test name; empty where it has none.
    ///
    /// # Errors
    /// When there is no such element in time.
    pub async fn attribute(&self, test: &str, name: &str) -> Result<String> {
        Ok(self.find(test).await?.attr(name).await?.unwrap_or_default())
    }

    /// The `data-id` and the text of every element with this test name, in order.
    ///
    /// # Errors
    /// When the window does not answer.
    pub async fn rows(&self, test: &str) -> Result<Vec<Row>> {
        let script = "return [...document.querySelectorAll(`[data-test=\"${arguments[0]}\"]`)]\
            .map(row => [row.dataset.id || '', row.dataset.delivered || '', row.innerText]);";
        let rows: Vec<[String; 3]> = serde_json::from_value(self.client.execute(script, vec![json!(test)]).await?)?;
        Ok(rows.into_iter().map(|[id, delivered, text]| Row { id, delivered, text }).collect())
    }

    /// Waits until there are `count` elements with this test name, and gives them back.
    ///
    /// # Errors
    /// When there are more or fewer after the time a screen may take.
    pub async fn await_rows(&self, test: &str, count: usize) -> Result<Vec<Row>> {
        let mut seen = 0;
        let rows = wait::until(&format!("{count} × {test}"), SHOW_LIMIT, async || {
            let rows = self.rows(test).await?;
            seen = rows.len();
            Ok((seen == count).then_some(rows))
        })
        .await;
        rows.with_context(|| format!("{seen} × {test}"))
    }

    /// Waits until an attribute of the element with this test name has this value.
    ///
    /// # Errors
    /// When it has not within `limit`, with the value it has.
    pub async fn await_attribute(&self, test: &str, name: &str, value: &str, limit: Duration) -> Result<()> {
        let mut seen = String::new();
        let came = wait::until(&format!("{test} with {name} = {value}"), limit, async || {
            seen = self.attribute(test, name).await?;
            Ok((seen == value).then_some(()))
        })
        .await;
        came.with_context(|| format!("{name} of {test} is {seen:?}"))
    }

    /// The address of the page that is shown: another one for every screen.
    ///
    /// # Errors
    /// When the window does not answer.
    pub async fn address(&self) -> Result<String> {
        Ok(self.client.current_url().await?.to_string())
    }

    /// Writes two pictures of the window, `NAME-desktop.png` and `NAME-phone.png`, and leaves it at the phone's size.
    ///
    /// # Errors
    /// When the window cannot be drawn or the file not be written.
    pub async fn pictures(&self, folder: &Path, name: &str) -> Result<()> {
        for (size, suffix) in [(DESKTOP, "desktop"), (PHONE, "phone")] {
            self.client.set_window_size(size.0, size.1).await?;
            tokio::time::sleep(DRAW_TIME).await;
            fs::write(folder.join(format!("{name}-{suffix}.png")), self.client.screenshot().await?)?;
        }
        Ok(())
    }

    /// Ends the app itself as a dead battery would. The window is of no use then.
    ///
    /// # Errors
    /// When the app does not run.
    pub async fn kill(&self) -> Result<()> {
        let app = app_process(&self.data)?.context("the app does not run")?;
        process::signal("KILL", app)?;
        gone(app).await
    }

    /// Closes the session, and the app with it.
    ///
    /// # Errors
    /// When the app does not end.
    pub async fn close(mut self) -> Result<()> {
        let app = app_process(&self.data)?.context("the app does not run")?;
        self.client.clone().close().await?;
        gone(app).await?;
        process::end(&mut self.driver)
    }

    async fn find_by(&self, selector: &str) -> Result<Element> {
        let found = wait::until(&format!("{selector} is to be seen"), SHOW_LIMIT, async || self.look(selector).await).await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => Err(error.context(self.page_text().await)),
        }
    }

    async fn click_by(&self, selector: &str) -> Result<()> {
        let clicked = wait::until(&format!("{selector} can be pressed"), SHOW_LIMIT, async || {
            let Some(element) = self.look(selector).await? else { return Ok(None) };
            self.reach(&element).await?;
            element.click().await.map_err(told)?;
            Ok(Some(()))
        })
        .await;
        match clicked {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(self.page_text().await)),
        }
    }

    async fn look(&self, selector: &str) -> Result<Option<Element>> {
        for element in self.client.find_all(Locator::Css(selector)).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    /// Scrolls to an element, away from the bars, and waits until the page has been drawn so: a page that opens moves the focus then,
    /// and no person types before.
    async fn reach(&self, element: &Element) -> Result<()> {
        let script = "const [element, done] = arguments; element.scrollIntoView({ block: 'center' });\
            requestAnimationFrame(() => requestAnimationFrame(() => done()));";
        self.client.execute_async(script, vec![serde_json::to_value(element)?]).await?;
        Ok(())
    }

    /// What a person would read, for the report of a failure.
    async fn page_text(&self) -> String {
        let text = self.client.execute("return document.body.innerText;", Vec::new()).await;
        format!("the window shows: {}", text.unwrap_or(Value::Null))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if let Ok(Some(app)) = app_process(&self.data) {
            // Nobody is left to tell.
            let _ = process::signal("KILL", app);
        }
        let _ = process::end(&mut self.driver);
    }
}

/// An element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Id of its record.
    pub id: String,
    /// Where it stands.
    pub delivered: String,
    /// What a person reads.
    pub text: String,
}

/// A driver that has no window yet.
struct Driver(Option<Child>);

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(driver) = &mut self.0 {
            let _ = process::end(driver);
        }
    }
}

/// WebKit's driver names the fault in a code and leaves the message empty.
fn told(error: CmdError) -> anyhow::Error {
    anyhow::anyhow!("{error:?}")
}

fn field_selector(field: &str) -> String {
    format!("[name=\"{field}\"], [data-test=\"{field}\"]")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Waits until a process has let go of everything it held: its program's name is gone before its files are, and its first thread may be
/// a zombie while others still hold them.
async fn gone(app: u32) -> Result<()> {
    wait::until("the app is gone", SHOW_LIMIT, async || {
        let status = fs::read_to_string(format!("/proc/{app}/status")).unwrap_or_default();
        let threads = fs::read_dir(format!("/proc/{app}/task")).map_or(0, Iterator::count);
        Ok((status.is_empty() || status.contains("State:\tZ") && threads <= 1).then_some(()))
    })
    .await
}

/// The process of the app on this data folder: the driver starts it and tells nobody its number.
fn app_process(data: &Path) -> Result<Option<u32>> {
    let app = process::program("lentera-app")?.canonicalize()?;
    let wanted = format!("LENTERA_DATA={}", data.display());
    for entry in fs::read_dir("/proc")? {
        let folder = entry?.path();
        let Some(number) = folder.file_name().and_then(|name| name.to_str()?.parse().ok()) else { continue };
        // Processes come and go, and some may not be looked at.
        let is_app = fs::read_link(folder.join("exe")).is_ok_and(|program| program == app);
        let environment = fs::read(folder.join("environ")).unwrap_or_default();
        if is_app && environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}
