//! What the sync doctor says: what was found, and what to do about it.

use lentera_domain::Timestamp;

use super::Language;
use super::moment::{moment, span};
use crate::view::{Cause, Finding};

/// What was found, and what to do; the second is empty where nothing needs to be done.
pub fn finding_sentence(finding: &Finding, language: Language) -> (String, String) {
    let (what, what_to_do) = match language {
        Language::Id => indonesian(finding),
        Language::En => english(finding),
    };
    (what, what_to_do.to_owned())
}

/// How a try failed, in a few words.
pub fn cause_words(cause: Cause, language: Language) -> &'static str {
    match cause {
        Cause::Unreachable => language.pick("server tidak terjangkau", "server unreachable"),
        Cause::Busy => language.pick("server ramai", "server busy"),
        Cause::WrongAddress => language.pick("bukan server Lentera", "not a Lentera server"),
        Cause::NotOurServer => language.pick("bukan server kami", "not our server"),
        Cause::Revoked => language.pick("perangkat dicabut", "device revoked"),
        Cause::AppTooOld => language.pick("aplikasi terlalu lama", "app too old"),
        Cause::BadAnswer => language.pick("jawaban tidak terbaca", "answer unreadable"),
        Cause::Storage => language.pick("tidak dapat menyimpan", "could not be kept"),
        Cause::LogInAgain => language.pick("perlu masuk lagi", "log in again"),
        Cause::ClockWrong => language.pick("jam perangkat salah", "device's clock wrong"),
    }
}

fn indonesian(finding: &Finding) -> (String, &'static str) {
    let since = |at: &Timestamp| moment(*at, Language::Id);
    match finding {
        Finding::NoNetwork => (
            "Tidak ada jaringan di perangkat ini.".into(),
            "Nyalakan data seluler atau Wi-Fi, atau cari sinyal. Terkirim sendiri saat ada jaringan.",
        ),
        Finding::ServerUnreachable { since: Some(at) } => (
            format!("Server tidak menjawab. Terakhir menjawab {}.", since(at)),
            "Tunggu saja; dicoba terus. Bila besok masih begini, hubungi admin.",
        ),
        Finding::ServerUnreachable { since: None } => (
            "Server belum pernah menjawab.".into(),
            "Periksa sinyal. Bila sinyal ada, hubungi admin; mungkin alamat di undangan salah.",
        ),
        Finding::WrongAddress { address } => (
            format!("Yang menjawab di {address} bukan server Lentera. Tidak ada yang dikirim."),
            "Bila memakai Wi-Fi umum, buka peramban dan masuk dulu ke Wi-Fi itu. Bila tidak, minta undangan baru dari admin.",
        ),
        Finding::NotOurServer { address } => (
            format!("Yang menjawab di {address} bukan server kantor kami. Tidak ada yang dikirim."),
            "Ganti jaringan. Bila tetap begini, hubungi admin.",
        ),
        Finding::Busy { until: Some(at) } => {
            (format!("Server ramai. Dicoba lagi {}.", since(at)), "Tunggu saja; terkirim sendiri.")
        }
        Finding::Busy { until: None } => ("Server ramai.".into(), "Tunggu saja; terkirim sendiri."),
        Finding::BadAnswer => {
            ("Jawaban server tidak terbaca.".into(), "Tunggu; dicoba lagi sendiri. Bila berulang, hubungi admin.")
        }
        Finding::ClockWrong { minutes: 0 } => (
            "Jam perangkat ini salah jauh, sehingga sambungan aman tidak bisa dibuat.".into(),
            "Betulkan tanggal dan jam di pengaturan, lalu coba lagi.",
        ),
        Finding::ClockWrong { minutes } => (
            format!(
                "Jam perangkat ini {} {} dari jam server.",
                span(minutes.unsigned_abs(), Language::Id),
                if *minutes > 0 { "lebih cepat" } else { "lebih lambat" }
            ),
            "Betulkan tanggal dan jam di pengaturan. Pekerjaan Anda tetap diterima.",
        ),
        Finding::DiskLow { free_mb } => (
            format!("Ruang penyimpanan hampir penuh: sisa {free_mb} MB."),
            "Hapus foto atau video yang tidak perlu, sebelum catatan baru tidak bisa disimpan.",
        ),
        Finding::StorageTrouble => (
            "Perangkat ini tidak dapat menyimpan yang diterima dari server.".into(),
            "Kosongkan ruang penyimpanan, lalu coba lagi. Bila berulang, hubungi admin.",
        ),
        Finding::Refused { records } => (
            format!("{records} catatan ditolak server. Catatan itu tetap ada di perangkat ini."),
            "Buka daftar yang ditolak, baca sebabnya, lalu catat ulang bila perlu.",
        ),
        Finding::Revoked => (
            "Perangkat ini dicabut. Catatan yang terkirim sebelumnya tetap sah.".into(),
            "Hubungi admin. Yang belum terkirim dapat disimpan sebagai berkas.",
        ),
        Finding::LogInAgain => {
            ("Server tidak lagi menerima kunci perangkat ini.".into(), "Masuk lagi dengan sandi Anda. Tidak ada yang hilang.")
        }
        Finding::AppTooOld => {
            ("Aplikasi ini terlalu lama untuk server.".into(), "Perbarui aplikasi, lalu buka lagi. Tidak ada yang hilang.")
        }
        Finding::HeldBack { since: at } => (
            format!("Ada yang belum terkirim, dan aplikasi tidak berjalan sejak {}.", since(at)),
            "Buka aplikasi ini saat ada sinyal. Di pengaturan baterai, izinkan Lentera berjalan di latar belakang.",
        ),
        Finding::KeptAside { count } => (
            format!("{count} data dari luar tidak dapat dibaca dan disimpan terpisah."),
            "Perbarui aplikasi. Bila tetap ada, hubungi admin.",
        ),
        Finding::Rescued => (
            "Penyimpanan pernah rusak. Berkas yang rusak disimpan, dan isinya diselamatkan sejauh terbaca.".into(),
            "Periksa catatan beberapa hari terakhir. Bila ada yang kurang, hubungi admin sebelum mencatat ulang.",
        ),
        Finding::Conflicts { records } => (
            format!("{records} catatan diisi berbeda di dua perangkat. Semua isian tersimpan."),
            "Buka dan pilih isian yang benar.",
        ),
        Finding::NeedsOthers { records } => (
            format!("{records} catatan sudah di server, tetapi menunggu ubahan rekan yang belum terkirim."),
            "Tunggu saja. Bila lama, minta rekan yang ikut mengubahnya membuka Lentera di tempat bersinyal.",
        ),
    }
}

fn english(finding: &Finding) -> (String, &'static str) {
    let since = |at: &Timestamp| moment(*at, Language::En);
    match finding {
        Finding::NoNetwork => (
            "This device has no network.".into(),
            "Turn on mobile data or Wi-Fi, or find a signal. All is sent by itself when there is a network.",
        ),
        Finding::ServerUnreachable { since: Some(at) } => (
            format!("The server does not answer. It last answered on {}.", since(at)),
            "Just wait; it is tried again and again. If this lasts until tomorrow, tell the admin.",
        ),
        Finding::ServerUnreachable { since: None } => (
            "The server has never answered.".into(),
            "Check the signal. If there is one, tell the admin: the invite's address may be wrong.",
        ),
        Finding::WrongAddress { address } => (
            format!("What answers at {address} is not a Lentera server. Nothing was sent."),
            "On a public Wi-Fi, open a browser and log in to it first. Otherwise ask the admin for a new invite.",
        ),
        Finding::NotOurServer { address } => (
            format!("What answers at {address} is not your office's server. Nothing was sent."),
            "Use another network. If it stays so, tell the admin.",
        ),
        Finding::Busy { until: Some(at) } => {
            (format!("The server is busy. Next try on {}.", since(at)), "Just wait; all is sent by itself.")
        }
        Finding::Busy { until: None } => ("The server is busy.".into(), "Just wait; all is sent by itself."),
        Finding::BadAnswer => {
            ("The server's answer is unreadable.".into(), "Wait; it is tried again. If it happens often, tell the admin.")
        }
        Finding::ClockWrong { minutes: 0 } => (
            "This device's clock is so far off that no safe connection can be made.".into(),
            "Set date and time right in the settings, then try again.",
        ),
        Finding::ClockWrong { minutes } => (
            format!(
                "This device's clock is {} {} the server's.",
                span(minutes.unsigned_abs(), Language::En),
                if *minutes > 0 { "ahead of" } else { "behind" }
            ),
            "Set date and time right in the settings. Your work is accepted all the same.",
        ),
        Finding::DiskLow { free_mb } => (
            format!("Storage is nearly full: {free_mb} MB left."),
            "Delete photos or videos you do not need, before new records cannot be saved.",
        ),
        Finding::StorageTrouble => (
            "This device cannot keep what comes from the server.".into(),
            "Free some storage, then try again. If it happens often, tell the admin.",
        ),
        Finding::Refused { records } => (
            one_or_many(
                *records,
                "The server refused 1 record. It is still on this device.",
                "The server refused {n} records. They are still on this device.",
            ),
            "Open the list of refused records, read why, and enter them again if needed.",
        ),
        Finding::Revoked => (
            "This device is revoked. What arrived before counts.".into(),
            "Tell the admin. What is unsent can be saved as a file.",
        ),
        Finding::LogInAgain => {
            ("The server no longer takes this device's key.".into(), "Log in again with your password. Nothing is lost.")
        }
        Finding::AppTooOld => {
            ("This app is too old for the server.".into(), "Update the app, then open it again. Nothing is lost.")
        }
        Finding::HeldBack { since: at } => (
            format!("Something is unsent, and the app has not been running since {}.", since(at)),
            "Open this app where there is a signal. In the battery settings, let Lentera run in the background.",
        ),
        Finding::KeptAside { count } => (
            one_or_many(
                *count,
                "1 thing from outside could not be read and is kept aside.",
                "{n} things from outside could not be read and are kept aside.",
            ),
            "Update the app. If that does not help, tell the admin.",
        ),
        Finding::Rescued => (
            "The storage was damaged once. The damaged file is kept, and what could be read of it was rescued.".into(),
            "Check your records of the last days. If something is missing, tell the admin before entering it again.",
        ),
        Finding::Conflicts { records } => (
            one_or_many(
                *records,
                "1 record was filled in differently on two devices. All values are kept.",
                "{n} records were filled in differently on two devices. All values are kept.",
            ),
            "Open what differs and choose the right values.",
        ),
        Finding::NeedsOthers { records } => (
            one_or_many(
                *records,
                "1 record is on the server and waits there for a colleague's change that is not sent yet.",
                "{n} records are on the server and wait there for a colleague's changes that are not sent yet.",
            ),
            "Just wait. If it takes long, ask the colleague who changed it too to open Lentera where there is a signal.",
        ),
    }
}

/// The English sentence for one, or that for many with their number for `{n}`.
fn one_or_many(count: u32, one: &str, many: &str) -> String {
    if count == 1 { one.to_owned() } else { many.replace("{n}", &count.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    #[test]
    fn says_what_and_what_to_do_in_both_languages() {
        let finding = Finding::ServerUnreachable { since: Some(AT) };
        let (what, what_to_do) = finding_sentence(&finding, Language::Id);
        assert_eq!(what, "Server tidak menjawab. Terakhir menjawab Senin 23 Nov 2026 pukul 10.00.");
        assert!(what_to_do.starts_with("Tunggu saja"));
        let (what, _) = finding_sentence(&Finding::ClockWrong { minutes: -90 }, Language::En);
        assert_eq!(what, "This device's clock is 1 h 30 min behind the server's.");
        for (count, said) in [(1, "1 thing from outside could"), (2, "2 things from outside could")] {
            assert!(finding_sentence(&Finding::KeptAside { count }, Language::En).0.starts_with(said));
        }
        let (what, _) = finding_sentence(&Finding::ClockWrong { minutes: 2 * 365 * 24 * 60 }, Language::Id);
        assert_eq!(what, "Jam perangkat ini 730 hari lebih cepat dari jam server.");
    }
}
