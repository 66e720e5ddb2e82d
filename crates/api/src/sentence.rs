//! Sentences for people, made from codes: the one place where an error gets its words.

mod evidence;
mod finding;
mod moment;

pub use evidence::evidence_sentence;
pub use finding::{cause_words, finding_sentence};
use lentera_domain::error::Part;
use lentera_domain::rules::Effect;
use lentera_domain::{FieldError, Reason};
pub use moment::moment;

use self::moment::clock;
use crate::Error;

/// Languages of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Bahasa Indonesia.
    #[default]
    Id,
    /// English.
    En,
}

impl Language {
    fn pick<'a>(self, id: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Id => id,
            Self::En => en,
        }
    }
}

/// What happened and what to do, in one or two short sentences.
pub fn sentence(error: &Error, language: Language) -> String {
    let say = |id: &str, en: &str| language.pick(id, en).to_owned();
    match error {
        Error::UnknownCommand { name } => language.pick("Perintah tidak dikenal: ", "No such command: ").to_owned() + name + ".",
        Error::BadArguments { detail } => {
            format!("{} ({detail}).", say("Isi perintah tidak sesuai", "Arguments do not fit the command"))
        }
        Error::Field(error) => field_sentence(error, language),
        Error::NotEnrolled => say("Belum terdaftar. Daftarkan orang dulu.", "Not enrolled. Enrol a person first."),
        Error::AlreadyEnrolled => say("Orang ini sudah terdaftar di sini.", "This person is enrolled here already."),
        Error::NotFound { .. } => say("Catatan tidak ada di perangkat ini.", "No such record on this device."),
        Error::NotYours => say("Hanya pemiliknya yang dapat mengubah kegiatan ini.", "Only its owner can change this activity."),
        Error::BadInvite { .. } => say(
            "Undangan tidak terbaca. Minta berkas undangan baru dari admin.",
            "Invite unreadable. Ask the admin for a new one.",
        ),
        Error::WrongLogin { tries_left } => match language {
            Language::Id => format!("NIP atau sandi tidak cocok. Sisa {tries_left} kali."),
            Language::En => format!("NIP or password wrong. {tries_left} tries left."),
        },
        Error::TooManyTries { until } => match language {
            Language::Id => format!("Terlalu sering salah. Coba lagi pukul {}.", clock(*until)),
            Language::En => format!("Too many tries. Try again at {}.", clock(*until)),
        },
        Error::PasswordChangeNeeded => say("Ganti sandi awal; mudah ditebak.", "Change the first password; easy to guess."),
        Error::WeakPassword { min } => match language {
            Language::Id => format!("Sandi baru mudah ditebak. Pakai paling sedikit {min} huruf, bukan tanggal lahir atau NIP."),
            Language::En => format!("New password is easy to guess. Use at least {min} characters, not a birth date or NIP."),
        },
        Error::ServerUnreachable => say(
            "Server tidak terjangkau. Pekerjaan Anda aman di perangkat ini. Cari sinyal, lalu coba lagi.",
            "Server unreachable. Your work is safe on this device. Find a signal and try again.",
        ),
        Error::ServerBusy => say("Server ramai. Coba lagi sebentar.", "Server busy. Try again shortly."),
        Error::WrongAddress => {
            say("Alamat server salah. Minta undangan baru dari admin.", "Wrong server address. Ask the admin for a new invite.")
        }
        Error::NotOurServer => {
            say("Bukan server kami. Tidak ada yang dikirim. Hubungi admin.", "Not your server. Nothing was sent. Tell the admin.")
        }
        Error::DeviceRevoked => say(
            "Perangkat ini dicabut. Catatan sebelumnya tetap sah. Hubungi admin.",
            "This device is revoked. Earlier work counts. Tell the admin.",
        ),
        Error::AppTooOld => say("Versi lama. Perbarui aplikasi.", "App too old. Update it."),
        Error::AlreadyOpen => say("Lentera sudah terbuka di jendela lain.", "Lentera is open in another window."),
        Error::BadFile { .. } => say(
            "Bukan berkas Lentera, atau rusak. Tidak ada yang diubah. Minta dikirim ulang.",
            "Not a Lentera file, or damaged. Nothing was changed. Ask for it again.",
        ),
        Error::OtherServersFile => {
            say("Berkas ini milik kantor lain. Tidak ada yang diubah.", "This file is another office's. Nothing was changed.")
        }
        Error::OtherServersInvite => say(
            "Undangan ini milik kantor lain, atau kunci servernya lain. Tidak ada yang diubah. Hubungi admin.",
            "This invite is another office's, or its server has another key. Nothing was changed. Tell the admin.",
        ),
        Error::NothingToExport => say("Semua sudah terkirim. Tidak perlu berkas.", "Everything has arrived. No file is needed."),
        Error::TooManyParcels => say(
            "Terlalu banyak titipan menunggu di perangkat ini. Kirim dulu yang ada, lalu ambil berkas ini lagi.",
            "Too many parcels wait on this device. Let them be sent first, then take this file again.",
        ),
        Error::DiskFull => say(
            "Disk penuh. Tulisan ini BELUM tersimpan, yang lain aman. Jangan tutup; kosongkan tempat, lalu Simpan.",
            "Disk full. This text is NOT saved, the rest is. Keep open; free some space, then Save.",
        ),
        Error::Storage { detail } => format!(
            "{} ({detail}).",
            say("Penyimpanan terganggu. Jangan tutup; hubungi admin", "Storage failed. Keep open; tell the admin")
        ),
        Error::Internal { detail } => format!(
            "{} ({detail}).",
            say("Ada gangguan. Catatan yang tersimpan aman. Buka lagi", "Something failed. Saved work is safe. Reopen")
        ),
    }
}

/// How an entry counts, in one sentence.
pub fn effect_sentence(effect: &Effect, language: Language) -> String {
    match (language, effect) {
        (Language::Id, Effect::Late { days, allowed }) => {
            format!("Dicatat {days} hari kemudian. Tetap disimpan; lewat batas {allowed} hari, tidak dihitung.")
        }
        (Language::En, Effect::Late { days, allowed }) => {
            format!("Noted {days} days later. Still kept; past the limit of {allowed} days it does not count.")
        }
        (Language::Id, Effect::TimeInDoubt { allowed, counts }) => {
            let counted = if *counts { "dan dihitung" } else { "tetapi menurut aturan tidak dihitung" };
            format!("Waktu mencatat tidak bisa dipastikan (batas {allowed} hari). Tetap disimpan, {counted}.")
        }
        (Language::En, Effect::TimeInDoubt { allowed, counts }) => {
            let counted = if *counts { "and it counts" } else { "but by the rules it does not count" };
            format!("When it was noted is not certain (limit {allowed} days). Still kept, {counted}.")
        }
        (Language::Id, Effect::EarlierMonth) => {
            "Hari dari bulan lalu. Tetap disimpan; dihitung hanya bila bulan itu belum ditutup.".into()
        }
        (Language::En, Effect::EarlierMonth) => {
            "A day of an earlier month. Still kept; counts only if that month is not closed.".into()
        }
        (Language::Id, Effect::Overlaps { minutes, .. }) => {
            format!("Bertumpang {minutes} menit. Tetap disimpan; menit yang sama dihitung sekali.")
        }
        (Language::En, Effect::Overlaps { minutes, .. }) => {
            format!("Overlaps {minutes} minutes. Still kept; shared minutes count once.")
        }
        (Language::Id, Effect::TooMany { entries, allowed }) => {
            format!("Kegiatan ke-{entries} hari ini. Tetap disimpan; yang dihitung {allowed}.")
        }
        (Language::En, Effect::TooMany { entries, allowed }) => {
            format!("Entry {entries} of this day. Still kept; {allowed} count.")
        }
        (Language::Id, Effect::OverTime { allowed, .. }) => {
            format!("Melebihi jam kerja. Tetap disimpan; yang dihitung {} jam {} menit.", allowed / 60, allowed % 60)
        }
        (Language::En, Effect::OverTime { allowed, .. }) => {
            format!("Beyond working time. Still kept; {} h {} min count.", allowed / 60, allowed % 60)
        }
    }
}

/// Why the server refused a part of a record, in a few words; `code` is one of the receipt's.
pub fn refusal_words(code: &str, language: Language) -> String {
    let (id, en) = match code {
        "wrong_owner" => ("catatan milik orang lain", "the record is another person's"),
        "bad_record" => ("isi catatan tidak lengkap atau tidak sah", "the record is incomplete or not valid"),
        "too_large" => ("catatan terlalu besar", "the record is too large"),
        "need" => ("menunggu catatan lain yang belum sampai", "waits for another record to arrive"),
        "dep_not_accepted" => ("bagian dari catatan yang ditolak", "builds on a refused record"),
        "wrong_actor" | "wrong_seq" => ("urutan catatan perangkat ini terputus", "this device's sequence was broken"),
        "bad_part" => ("catatan panjang tidak sampai utuh", "a long record did not arrive whole"),
        "hash_mismatch" | "malformed" => ("data rusak di perjalanan", "the data is damaged"),
        "poisoned" => ("data ini mengganggu server dan disisihkan", "the data disturbs the server and was set aside"),
        "held" => {
            ("menunggu pengesahan admin: perangkat pengirimnya sudah dicabut", "waits for the admin: its device was revoked")
        }
        "fork" => ("dua isi berbeda memakai nomor yang sama", "two contents had one number"),
        other => return other.to_owned(),
    };
    language.pick(id, en).to_owned()
}

fn field_sentence(error: &FieldError, language: Language) -> String {
    let name = field_name(&error.field, language);
    match (language, &error.reason) {
        (Language::Id, Reason::Missing) => format!("{name} belum diisi."),
        (Language::En, Reason::Missing) => format!("{name} is empty."),
        (Language::Id, Reason::TooLong { length, max }) => {
            format!("{name}: {length} dari {max} huruf, tidak dipotong. Ringkas dulu.")
        }
        (Language::En, Reason::TooLong { length, max }) => format!("{name}: {length} of {max} letters, nothing cut. Shorten it."),
        (Language::Id, Reason::ControlCharacter { position }) => {
            format!("{name}: huruf ke-{position} tidak dapat dibaca. Hapus huruf itu.")
        }
        (Language::En, Reason::ControlCharacter { position }) => {
            format!("{name}: character {position} is not readable text. Remove it.")
        }
        (Language::Id, Reason::NotADigit { found, position }) => {
            format!("{name}: \"{found}\" di tempat ke-{position} bukan angka.")
        }
        (Language::En, Reason::NotADigit { found, position }) => {
            format!("{name}: \"{found}\" at place {position} is not a digit.")
        }
        (Language::Id, Reason::DigitCount { found, expected }) => format!("{name}: {found} angka, seharusnya {expected}."),
        (Language::En, Reason::DigitCount { found, expected }) => format!("{name}: {found} digits, must be {expected}."),
        (Language::Id, Reason::Part { part, value }) => format!("{name} salah di {}: {value}.", part_name(*part, language)),
        (Language::En, Reason::Part { part, value }) => format!("{name} wrong in {}: {value}.", part_name(*part, language)),
        (Language::Id, Reason::NoSuchTime { value }) => format!("Jam {value} tidak ada. Contoh 09.15."),
        (Language::En, Reason::NoSuchTime { value }) => format!("No such time: {value}. Example 09.15."),
        (Language::Id, Reason::NoSuchDay { value }) => format!("Tanggal {value} tidak ada. Contoh 2026-11-23."),
        (Language::En, Reason::NoSuchDay { value }) => format!("No such date: {value}. Example 2026-11-23."),
        (Language::Id, Reason::EndNotAfterStart { .. }) => "Selesai tidak boleh lebih awal dari mulai. Ubah salah satu.".into(),
        (Language::En, Reason::EndNotAfterStart { .. }) => "End is not after start. Change one.".into(),
        (Language::Id, Reason::FutureDay { day }) => format!("{day} belum tiba. Pilih hari ini atau sebelumnya."),
        (Language::En, Reason::FutureDay { day }) => format!("{day} is not here yet. Pick an earlier day."),
        (Language::Id, Reason::OutOfRange { value, min, max }) => {
            format!("{name}: {value} tidak bisa. Isi angka {min} sampai {max}.")
        }
        (Language::En, Reason::OutOfRange { value, min, max }) => {
            format!("{name}: {value} is not possible. Use a number from {min} to {max}.")
        }
        (Language::Id, Reason::UnknownCode { value }) => format!("{name}: {value} tidak dikenal. Pilih dari daftar."),
        (Language::En, Reason::UnknownCode { value }) => format!("{name}: {value} is not known. Choose from the list."),
    }
}

fn part_name(part: Part, language: Language) -> &'static str {
    match part {
        Part::Birth => language.pick("tanggal lahir", "birth date"),
        Part::Appointment => language.pick("tahun dan bulan pengangkatan", "year and month of appointment"),
        Part::Sex => language.pick("jenis kelamin (1 atau 2)", "sex (1 or 2)"),
        Part::Sequence => language.pick("nomor urut", "sequence number"),
        Part::Region => language.pick("kode wilayah", "region code"),
    }
}

/// What a field is called on screen.
pub fn field_name(field: &str, language: Language) -> String {
    let (id, en) = match field {
        "nip" => ("NIP", "NIP"),
        "nik" => ("NIK", "NIK"),
        "nib" => ("NIB", "NIB"),
        "kbli" => ("KBLI", "KBLI"),
        "day" => ("Tanggal", "Date"),
        "time" => ("Waktu", "Time"),
        "status" => ("Keadaan", "State"),
        "start" => ("Jam mulai", "Start"),
        "end" => ("Jam selesai", "End"),
        "category" => ("Kategori", "Category"),
        "activity" => ("Uraian kegiatan", "Description"),
        "volume" => ("Volume", "Volume"),
        "unit" => ("Satuan", "Unit"),
        "output" => ("Hasil", "Output"),
        "duty" => ("Jenis", "Kind of duty"),
        "role" => ("Peran", "Role"),
        "village" | "wilayah" => ("Desa", "Village"),
        "letter" => ("Nomor surat tugas", "Assignment letter"),
        "obstacle" => ("Kendala", "Obstacle"),
        "name" => ("Nama", "Name"),
        "owner_name" => ("Nama pemilik", "Owner's name"),
        "address" => ("Alamat", "Address"),
        "product" => ("Produk", "Product"),
        "legal_form" => ("Badan usaha", "Legal form"),
        "founded" => ("Tahun berdiri", "Year of founding"),
        "phone" => ("Telepon", "Telephone"),
        "umkm" => ("Usaha", "Enterprise"),
        "purposes" => ("Tujuan", "Purpose"),
        "companions" => ("Pendamping", "Companions"),
        "vehicle" => ("Kendaraan", "Vehicle"),
        "problem" => ("Masalah", "Problem"),
        "advice" => ("Saran", "Advice"),
        "agreement" => ("Kesepakatan", "Agreement"),
        "satisfaction" => ("Kepuasan", "Satisfaction"),
        "password" => ("Sandi", "Password"),
        "new_password" => ("Sandi baru", "New password"),
        "draft" => ("Draf", "Draft"),
        other => return other.to_owned(),
    };
    language.pick(id, en).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lentera_domain::{Nip, TimeRange, Timestamp};

    #[test]
    fn says_what_is_wrong_and_where() {
        let of = |error: FieldError| sentence(&Error::from(error), Language::Id);
        assert_eq!(of(Nip::parse("197213151998032000").unwrap_err()), "NIP salah di tanggal lahir: 19721315.");
        assert_eq!(of(TimeRange::parse_ends("25:00", "26").unwrap_err()), "Jam 25:00 tidak ada. Contoh 09.15.");
        assert_eq!(
            of(TimeRange::parse_ends("13", "12").unwrap_err()),
            "Selesai tidak boleh lebih awal dari mulai. Ubah salah satu."
        );
        assert_eq!(
            sentence(&Error::TooManyTries { until: Timestamp::from_millis(0) }, Language::En),
            "Too many tries. Try again at 08.00."
        );
    }
}
