//! The main story in the real window, under the display in `DISPLAY`: what `cargo xtask demo --headless` runs.
//! Pictures of every stage and the programs' logs go to `LENTERA_DEMO_DIR`.

use std::cell::Cell;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lentera_tests::story::{Count, FIRST_PASSWORD, NIP, OFFICE, PASSWORD, SUPERIOR, VILLAGE, VILLAGE_NAME};
use lentera_tests::window::{PHONE, Row};
use lentera_tests::{Device, Office, Window, wait};

/// How soon what waits must have arrived once the server is there, with nobody touching the app.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);
/// How soon a screen must say what just happened on this device.
const SCREEN_LIMIT: Duration = Duration::from_secs(5);
/// Letters after which the battery dies while the next are typed.
const TYPED: usize = 8;

/// What is typed when the battery dies: this much was kept before, and the rest was on its way.
const THIRD: (&str, &str) = ("Menyusun laporan", " bulanan pembinaan industri kecil dan menengah");

#[tokio::main]
async fn main() -> Result<()> {
    let results = PathBuf::from(env::var_os("LENTERA_DEMO_DIR").context("LENTERA_DEMO_DIR must name a folder for the pictures")?);
    let story = Story::begin(&results)?;
    let count = story.tell().await?;
    println!("demo: {count}");
    ensure!(count.is_complete(), "the figures differ");
    Ok(())
}

struct Story {
    results: PathBuf,
    /// Data folders and logs of this telling.
    folder: PathBuf,
}

impl Story {
    /// Clears what an earlier telling left.
    fn begin(results: &Path) -> Result<Self> {
        let folder = results.join("story");
        fs::create_dir_all(results).with_context(|| format!("cannot make {}", results.display()))?;
        for entry in fs::read_dir(results)? {
            let file = entry?.path();
            if file.extension().is_some_and(|ending| ending == "png") {
                fs::remove_file(file)?;
            }
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { results: results.to_path_buf(), folder })
    }

    async fn tell(&self) -> Result<Count> {
        let mut office = Office::make(&self.folder.join("server"), OFFICE)?;
        office.start()?;
        let invite = office.invite(NIP)?;
        let (phone_data, laptop_data) = (self.folder.join("phone"), self.folder.join("laptop"));

        let phone = self.open(&phone_data).await?;
        self.enrol(&phone, &invite).await?;

        office.stop()?;
        self.note_a_day(&phone).await?;
        self.lose_power_while_typing(&phone).await?;
        drop(phone);

        let phone = self.open(&phone_data).await?;
        self.everything_is_there(&phone).await?;
        let waiting = self.waiting_is_counted_and_named(&phone).await?;

        office.start()?;
        self.all_arrives_untouched(&phone, waiting).await?;
        let device = Device::at(&laptop_data);
        device.enrol(&invite, NIP, PASSWORD, "")?;
        device.sync()?;
        let laptop = self.open(&laptop_data).await?;
        self.both_show_the_same(&phone, &laptop, "07-second-device").await?;

        self.edits_of_both_meet(&mut office, &phone, &laptop).await?;
        self.a_contradiction_is_settled(&mut office, &phone, &laptop).await?;
        self.a_server_that_has_moved_is_found(&mut office, &phone).await?;
        laptop.close().await?;
        self.the_superior_sees_it(&office).await?;
        phone.close().await?;
        let count = Count::take(&Device::at(&phone_data), &office)?;
        ensure!(count == Count::take(&Device::at(&laptop_data), &office)?, "the two devices differ");
        ensure!(count.saved == waiting, "{waiting} waited, {count}");
        Ok(count)
    }

    async fn open(&self, data: &Path) -> Result<Window> {
        Window::open(data, PHONE).await
    }

    /// Runs one step; a picture of the window shows where it failed.
    async fn step<T>(&self, window: &Window, name: &str, step: impl Future<Output = Result<T>>) -> Result<T> {
        println!("demo: {name} …");
        match step.await {
            Ok(value) => Ok(value),
            Err(error) => {
                // The window may be gone; the first fault is the one to tell.
                let _ = window.pictures(&self.results, "failed").await;
                Err(error.context(name.to_owned()))
            }
        }
    }

    async fn enrol(&self, phone: &Window, invite: &str) -> Result<()> {
        self.step(phone, "enrolling, with a new password", async {
            phone.find("invite").await?;
            phone.pictures(&self.results, "01-enrol").await?;
            phone.fill("invite", invite).await?;
            phone.click("invite-go-on").await?;
            phone.fill("enrol-nip", NIP).await?;
            phone.fill("enrol-password", FIRST_PASSWORD).await?;
            phone.click("enrol-submit").await?;
            phone.fill("enrol-new-password", PASSWORD).await?;
            phone.click("enrol-submit").await?;
            phone.find("catat").await?;
            phone.pictures(&self.results, "02-enrolled").await
        })
        .await
    }

    async fn note_a_day(&self, phone: &Window) -> Result<()> {
        self.step(phone, "a day without signal: two activities, a visit to a new enterprise", async {
            self.begin_entry(phone, "07.30", "09.00").await?;
            phone.fill("activity", "Rekap harga pasar").await?;
            self.save(phone).await?;
            self.begin_entry(phone, "13.00", "14.45").await?;
            phone.fill("activity", "Laporan mingguan").await?;
            self.save(phone).await?;

            phone.click("catat").await?;
            phone.click("catat-visit").await?;
            phone.click("umkm-new").await?;
            phone.fill("name", "Dapur Melati").await?;
            phone.fill("owner_name", "Aluh Contoh").await?;
            phone.click("village-open").await?;
            phone.fill("village-search", VILLAGE_NAME).await?;
            phone.click_by_attribute("village-option", "data-code", VILLAGE).await?;
            self.save(phone).await?;
            phone.fill("start", "09.15").await?;
            phone.fill("end", "11.15").await?;
            phone.click("purpose-pembinaan").await?;
            self.save(phone).await?;
            phone.click("nav-log").await?;
            phone.await_rows("log-row", 3).await?;
            phone.pictures(&self.results, "03-noted-offline").await
        })
        .await
    }

    async fn begin_entry(&self, phone: &Window, start: &str, end: &str) -> Result<()> {
        phone.click("catat").await?;
        phone.click("catat-log").await?;
        phone.fill("start", start).await?;
        phone.fill("end", end).await?;
        phone.click("category-Administrasi").await
    }

    /// Saves the form that is open, and waits until it has made room for another screen.
    async fn save(&self, window: &Window) -> Result<()> {
        let before = window.address().await?;
        window.click("save").await?;
        wait::until("the form is left", SCREEN_LIMIT, async || {
            let saved = window.address().await? != before || !window.shows("save").await?;
            Ok(saved.then_some(()))
        })
        .await
    }

    async fn lose_power_while_typing(&self, phone: &Window) -> Result<()> {
        self.step(phone, "the battery dies in the middle of a word", async {
            self.begin_entry(phone, "15.00", "16.00").await?;
            phone.fill("activity", THIRD.0).await?;
            phone.await_attribute("draft-state", "data-state", "saved", SCREEN_LIMIT).await?;
            let typed = Cell::new(0);
            let is_dying = Cell::new(false);
            let type_on = async {
                for letter in THIRD.1.chars() {
                    let letter = phone.type_on("activity", &letter.to_string()).await;
                    if letter.is_err() && is_dying.get() {
                        // What is typed into a dead window fails, as it should: the end is told by `cut`.
                        std::future::pending::<()>().await;
                    }
                    letter?;
                    typed.set(typed.get() + 1);
                }
                bail!("all was typed before the battery died")
            };
            let cut = async {
                wait::until("letters are typed", SCREEN_LIMIT, async || Ok((typed.get() >= TYPED).then_some(()))).await?;
                is_dying.set(true);
                phone.kill().await
            };
            tokio::select! {
                biased;
                killed = cut => killed,
                typed = type_on => typed,
            }
        })
        .await
    }

    async fn everything_is_there(&self, phone: &Window) -> Result<()> {
        self.step(phone, "everything saved and the draft are there", async {
            let drafts = phone.await_rows("draft-row", 1).await?;
            ensure!(drafts.iter().any(|draft| draft.text.contains(THIRD.0)), "{drafts:?}");
            phone.pictures(&self.results, "04-after-the-power-cut").await?;
            phone.click("nav-log").await?;
            phone.await_rows("log-row", 3).await?;
            phone.click("nav-umkm").await?;
            phone.await_rows("umkm-row", 1).await?;
            phone.click("nav-home").await?;
            phone.click("draft-row").await?;
            phone.await_attribute("draft-state", "data-state", "restored", SCREEN_LIMIT).await?;
            let (full, kept) = (format!("{}{}", THIRD.0, THIRD.1), phone.value("activity").await?);
            ensure!(full.starts_with(&kept) && kept.starts_with(THIRD.0), "kept {kept:?}");
            for (field, text) in [("start", "15.00"), ("end", "16.00")] {
                ensure!(phone.value(field).await? == text, "{field} is {:?}", phone.value(field).await?);
            }
            println!("demo: the draft kept {kept:?}");
            phone.type_on("activity", full.strip_prefix(&kept).unwrap_or_default()).await?;
            self.save(phone).await
        })
        .await
    }

    async fn waiting_is_counted_and_named(&self, phone: &Window) -> Result<usize> {
        self.step(phone, "the light says how many wait, and its page names them", async {
            phone.await_attribute("light", "data-state", "waiting", SCREEN_LIMIT).await?;
            let waiting = phone.attribute("light", "data-count").await?.parse()?;
            phone.click("light").await?;
            let rows = phone.await_rows("waiting-row", waiting).await?;
            for title in ["Rekap harga pasar", "Laporan mingguan", "Dapur Melati", THIRD.0] {
                ensure!(rows.iter().any(|row| row.text.contains(title)), "{title} is not named: {rows:?}");
            }
            phone.pictures(&self.results, "05-waiting").await?;
            Ok(waiting)
        })
        .await
    }

    async fn all_arrives_untouched(&self, phone: &Window, waiting: usize) -> Result<()> {
        self.step(phone, "the server is back; nobody touches the app", async {
            let start = Instant::now();
            phone.await_attribute("light", "data-state", "sent", ARRIVAL_LIMIT).await?;
            println!("demo: {waiting} arrived after {:.1} s", start.elapsed().as_secs_f32());
            phone.pictures(&self.results, "06-arrived").await?;
            phone.click("nav-log").await?;
            let rows = phone.await_rows("log-row", 4).await?;
            ensure!(rows.iter().all(|row| row.delivered == "arrived"), "{rows:?}");
            Ok(())
        })
        .await
    }

    async fn both_show_the_same(&self, phone: &Window, laptop: &Window, picture: &str) -> Result<()> {
        self.step(laptop, "both devices show the same", async {
            for (page, list) in [("nav-umkm", "umkm-row"), ("nav-log", "log-row")] {
                phone.click(page).await?;
                laptop.click(page).await?;
                let count = if list == "log-row" { 4 } else { 1 };
                let rows = (phone.await_rows(list, count).await?, laptop.await_rows(list, count).await?);
                ensure!(rows.0 == rows.1, "{list} differ: {rows:?}");
            }
            laptop.pictures(&self.results, picture).await
        })
        .await
    }

    async fn edits_of_both_meet(&self, office: &mut Office, phone: &Window, laptop: &Window) -> Result<()> {
        office.stop()?;
        let entry = phone.await_rows("log-row", 4).await?.into_iter().find(|row| row.text.contains("Rekap harga pasar"));
        let entry = entry.context("the first activity is gone")?;
        self.step(phone, "an edit on one device", self.edit(phone, &entry, "activity", "Rekap harga pasar Paringin")).await?;
        self.step(laptop, "an edit of the same on the other", self.edit(laptop, &entry, "end", "09.30")).await?;
        office.start()?;
        for window in [phone, laptop, phone] {
            self.step(window, "both send and fetch", self.send_and_fetch(window)).await?;
        }
        self.both_show_the_same(phone, laptop, "08-edits-met").await?;
        for row in [row(phone, &entry.id).await?, row(laptop, &entry.id).await?] {
            ensure!(row.text.contains("Rekap harga pasar Paringin") && row.text.contains("09.30"), "an edit is lost: {row:?}");
        }
        self.history_tells_all(phone, &entry).await
    }

    async fn history_tells_all(&self, phone: &Window, entry: &Row) -> Result<()> {
        self.step(phone, "the history of an activity tells all that was written", async {
            phone.click_by_attribute("log-row", "data-id", &entry.id).await?;
            phone.click("history").await?;
            let written = phone.await_rows("written", 3).await?;
            for text in ["Rekap harga pasar Paringin", "Rekap harga pasar", "07.30\u{2013}09.30"] {
                ensure!(written.iter().any(|row| row.text.contains(text)), "{text} is not told: {written:?}");
            }
            ensure!(written.iter().all(|row| row.delivered == "arrived"), "{written:?}");
            phone.pictures(&self.results, "09-history").await
        })
        .await
    }

    async fn a_contradiction_is_settled(&self, office: &mut Office, phone: &Window, laptop: &Window) -> Result<()> {
        office.stop()?;
        phone.click("nav-log").await?;
        let entry = phone.await_rows("log-row", 4).await?.into_iter().find(|row| row.text.contains("Laporan mingguan"));
        let entry = entry.context("the second activity is gone")?;
        let texts = ["Laporan mingguan pasar", "Laporan mingguan harga"];
        for (window, text) in [(phone, texts[0]), (laptop, texts[1])] {
            self.step(window, "both write over the same words", self.edit(window, &entry, "activity", text)).await?;
        }
        office.start()?;
        for window in [phone, laptop, phone] {
            self.step(window, "both send and fetch", self.send_and_fetch(window)).await?;
        }
        self.step(phone, "both texts are shown, and one press settles it", async {
            phone.click_by_attribute("log-row", "data-id", &entry.id).await?;
            phone.click("see-and-choose").await?;
            let shown = phone.await_rows("conflict", 1).await?.remove(0);
            ensure!(texts.iter().all(|text| shown.text.contains(text)), "{shown:?}");
            phone.pictures(&self.results, "10-contradiction").await?;
            phone.click("use-value").await?;
            let settled = phone.await_rows("settled", 1).await?.remove(0);
            let text = texts.into_iter().find(|text| settled.text.contains(text)).context("no text is chosen")?;
            for window in [phone, laptop] {
                self.send_and_fetch(window).await?;
                let row = row(window, &entry.id).await?;
                ensure!(row.text.contains(text), "{text} was chosen: {row:?}");
                window.click_by_attribute("log-row", "data-id", &entry.id).await?;
                window.find("edit").await?;
                ensure!(!window.shows("conflict-notice").await?, "it is not settled");
            }
            Ok(())
        })
        .await
    }

    async fn a_server_that_has_moved_is_found(&self, office: &mut Office, phone: &Window) -> Result<()> {
        office.stop()?;
        phone.click("nav-log").await?;
        let entry = phone.await_rows("log-row", 4).await?.remove(0);
        self.step(phone, "an edit while the server moves", self.edit(phone, &entry, "end", "09.45")).await?;
        office.move_away()?;
        office.start()?;
        let invite = office.invite(NIP)?;
        self.step(phone, "a new invite tells where the server is", async {
            phone.click("light").await?;
            phone.click("sync-now").await?;
            phone.click("new-invite").await?;
            phone.pictures(&self.results, "11-new-invite").await?;
            phone.fill("invite", &invite).await?;
            phone.click("invite-go-on").await?;
            phone.await_attribute("light", "data-state", "sent", ARRIVAL_LIMIT).await
        })
        .await
    }

    async fn the_superior_sees_it(&self, office: &Office) -> Result<()> {
        let data = self.folder.join("superior");
        let device = Device::at(&data);
        device.enrol(&office.invite(SUPERIOR)?, SUPERIOR, SUPERIOR.get(..8).unwrap_or_default(), PASSWORD)?;
        device.sync()?;
        let window = self.open(&data).await?;
        self.step(&window, "the superior is shown the day, and how sure each time is", async {
            window.click("nav-more").await?;
            window.click_by_attribute("more-row", "data-id", "/bawahan").await?;
            let entries = window.await_rows("team-entry", 4).await?;
            ensure!(entries.iter().all(|row| row.text.contains("Dicatat")), "{entries:?}");
            window.pictures(&self.results, "12-team").await
        })
        .await?;
        window.close().await
    }

    async fn edit(&self, window: &Window, entry: &Row, field: &str, text: &str) -> Result<()> {
        window.click("nav-log").await?;
        window.click_by_attribute("log-row", "data-id", &entry.id).await?;
        window.click("edit").await?;
        window.fill(field, text).await?;
        self.save(window).await?;
        window.await_attribute("light", "data-state", "waiting", SCREEN_LIMIT).await
    }

    async fn send_and_fetch(&self, window: &Window) -> Result<()> {
        window.click("light").await?;
        window.click("sync-now").await?;
        window.await_attribute("light", "data-state", "sent", ARRIVAL_LIMIT).await?;
        window.click("nav-log").await
    }
}

async fn row(window: &Window, id: &str) -> Result<Row> {
    window.rows("log-row").await?.into_iter().find(|row| row.id == id).context("the row is gone")
}
