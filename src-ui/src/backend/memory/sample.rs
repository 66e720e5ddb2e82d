//! A person who has worked for a while, and whatever may go wrong on the way to the server: to look at screens without one.

use lentera_api::Error;
use lentera_api::view::{Attempt, Carried, Cause, Conflict, ConflictValue, Delivered, Draft, Progress, RefusedRecord, Rescue};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;
use lentera_domain::{Nip, RecordId, Timestamp, UmkmId, VisitId};
use serde_json::json;

use super::State;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The sample at `now`, with the troubles that `parts` names, commas between; all of them where it names none.
pub fn state(now: Timestamp, parts: &str) -> Result<State, Error> {
    let has = |part: &str| parts.is_empty() || parts.split(',').any(|named| named == part);
    let mut state = State::default();
    let nip = Nip::parse("197203151998032000")?;
    nip.first_password().clone_into(&mut state.password);
    state.set_person(nip, "Dinas Perindustrian dan Perdagangan".into(), "https://lentera.contoh.go.id".into())?;
    let umkm = enterprises(&mut state, now)?;
    let visit = visit(&mut state, now, umkm)?;
    let entry = history(&mut state, now)?;
    state.records.deliver();
    state.arrived_at = Some(now.plus_millis(-97 * MINUTE));
    if has("menunggu") {
        unsent(&mut state, now)?;
        state.trouble.no_network = true;
        state.trouble.attempts = attempts(now);
    }
    if has("ditolak") {
        state.trouble.refused = refused(now, umkm, entry);
        for refused in &state.trouble.refused {
            state.records.set_delivered(refused.record.id, Delivered::Refused);
        }
    }
    if has("bentrok") {
        state.records.conflicts = conflicts(now, umkm, visit, entry);
        let records = &mut state.records;
        records.conflicts.iter().for_each(|conflict| records.history.disagreed(conflict));
    }
    state.trouble.logged_out = has("masuk");
    state.trouble.clock = has("jam").then_some(37);
    state.trouble.free_mb = has("disk").then_some(84);
    state.trouble.backfill = has("ambil").then_some(Progress { done: 4_812, total: 12_030 });
    state.trouble.rescue = has("rusak").then(|| Rescue {
        at: now.plus_millis(-3 * HOUR),
        kept_at: "/data/user/0/id.go.balangan.lentera/files/lentera.sqlite.damaged-20261123T001502Z".into(),
        changes: 318,
        drafts: 2,
        complete: false,
    });
    if has("titipan") {
        state.trouble.carried = Carried { waiting: 3, delivered: 5, receipts: 4 };
        state.trouble.kept_aside = 1;
    }
    Ok(state)
}

fn enterprises(state: &mut State, now: Timestamp) -> Result<UmkmId, Error> {
    let mut first = None;
    for (name, owner, village, product, phone) in [
        ("Dapur Melati", "Aluh Contoh", "63.11.01.2001", "Kue kering dan amplang", "0812-0000-1111"),
        ("Anyaman Purun Ibu Masniah dan Anak-Anak Perempuannya", "Masniah", "63.11.01.2004", "Tikar dan tas purun", ""),
        ("Bengkel Las Sirap Jaya", "Rahmadi", "63.11.01.2008", "Teralis, pagar", "0813-0000-4444"),
        ("Kopi Teluk Bayur", "Norhayati", "63.11.01.2010", "Kopi bubuk", "0811-0000-7777"),
    ] {
        let form = UmkmForm {
            name: name.into(),
            owner_name: owner.into(),
            village: village.into(),
            product: product.into(),
            phone: phone.into(),
            address: "RT 2, dekat langgar".into(),
            ..UmkmForm::default()
        };
        let at = now.plus_millis(-20 * DAY);
        let id = state.records.register_umkm(form.parse(at)?, at);
        first.get_or_insert(id);
    }
    first.ok_or(Error::NotEnrolled)
}

fn visit(state: &mut State, now: Timestamp, umkm: UmkmId) -> Result<RecordId, Error> {
    let at = now.plus_millis(-3 * DAY);
    let form = VisitForm {
        umkm: umkm.to_string(),
        day: at.day().to_string(),
        start: "9.15".into(),
        end: "11.15".into(),
        purposes: "pembinaan,perizinan".into(),
        problem: "Label kemasan belum memuat tanggal kedaluwarsa.".into(),
        advice: "Memakai stempel tanggal sampai label baru dicetak.".into(),
        companions: "Rahmat Hidayat".into(),
        satisfaction: "4".into(),
        ..VisitForm::default()
    };
    Ok(state.records.record_visit(form.parse(state.nip()?, at)?, at)?.record())
}

fn entry(activity: &str, category: &str, (start, end): (&str, &str), at: Timestamp) -> LogEntryForm {
    LogEntryForm {
        day: at.day().to_string(),
        start: start.into(),
        end: end.into(),
        category: category.into(),
        activity: activity.into(),
        volume: "1".into(),
        unit: "dokumen".into(),
        ..LogEntryForm::default()
    }
}

/// Days that have arrived; gives the last entry of all.
fn history(state: &mut State, now: Timestamp) -> Result<RecordId, Error> {
    let mut last = None;
    for back in (1..12).rev() {
        let at = now.plus_millis(-back * DAY);
        for (activity, category, times) in [
            ("Rekap harga bahan pokok Pasar Paringin", "Laporan", ("7.30", "9")),
            ("Melayani pertanyaan izin P-IRT", "Pelayanan", ("9.15", "11.15")),
            ("Menyusun bahan pelatihan kemasan", "Administrasi", ("13", "14.45")),
        ] {
            let form = entry(activity, category, times, at);
            last = Some(state.records.add_log_entry(form.parse(state.nip()?, at)?, at));
        }
    }
    last.map(|id| id.record()).ok_or(Error::NotEnrolled)
}

fn unsent(state: &mut State, now: Timestamp) -> Result<(), Error> {
    for (activity, category, times, ago) in [
        ("Rapat persiapan pasar murah di aula kecamatan", "Rapat", ("7.30", "9"), 95 * MINUTE),
        (
            "Mendata perajin purun di Buntu Karau bersama perangkat desa dan ketua kelompok",
            "Lapangan",
            ("9.15", "11"),
            41 * MINUTE,
        ),
    ] {
        let at = now.plus_millis(-ago);
        state.records.add_log_entry(entry(activity, category, times, at).parse(state.nip()?, at)?, at);
    }
    let form = UmkmForm {
        name: "Keripik Singkong Bata".into(),
        owner_name: "Hasanah".into(),
        village: "63.11.01.2005".into(),
        ..UmkmForm::default()
    };
    let at = now.plus_millis(-28 * MINUTE);
    state.records.register_umkm(form.parse(at)?, at);
    state.drafts.push(Draft {
        name: "log_entry/new".into(),
        content: json!({"activity": "Menelepon pemilik Kopi Teluk Bayur", "day": now.day().to_string()}),
        saved_at: now.plus_millis(-6 * MINUTE),
    });
    Ok(())
}

fn attempts(now: Timestamp) -> Vec<Attempt> {
    let failed = [(4, 26, 12, Cause::Unreachable), (41, 0, 1, Cause::Busy), (52, 40, 9, Cause::Unreachable)];
    let failed = failed.into_iter().map(|(ago, long, count, cause)| Attempt {
        at: now.plus_millis(-(ago + long) * MINUTE),
        last: now.plus_millis(-ago * MINUTE),
        count,
        failed: Some(cause),
        sent: if cause == Cause::Busy { 1_280 } else { 0 },
        received: 0,
        millis: count * 1_900,
    });
    let went = (0..47).map(|number: u32| {
        let at = now.plus_millis(-(97 + i64::from(number) * 173) * MINUTE);
        Attempt {
            at,
            last: at,
            count: 1,
            failed: None,
            sent: 780 + number * 37 % 900,
            received: 410 + number * number * 61 % 21_000,
            millis: 640 + number * 131 % 3_000,
        }
    });
    failed.chain(went).collect()
}

fn refused(now: Timestamp, umkm: UmkmId, log_entry: RecordId) -> Vec<RefusedRecord> {
    let visit = VisitForm {
        umkm: umkm.to_string(),
        day: now.plus_millis(-2 * DAY).day().to_string(),
        start: "13:00".into(),
        end: "14:30".into(),
        purposes: "monitoring_bantuan,pengaduan".into(),
        village: "63.11.01.2004".into(),
        problem: "Mesin pengaduk bantuan tahun lalu rusak sejak bulan puasa. Pemilik sudah membawa ke bengkel dua kali, tetapi suku \
                  cadangnya tidak ada di Paringin dan harus dipesan dari Banjarmasin.\nSementara ini adonan diaduk dengan tangan, \
                  sehingga pesanan besar ditolak."
            .into(),
        agreement: "Dinas mencarikan bengkel rujukan paling lambat Jumat depan.".into(),
        satisfaction: "3".into(),
        ..VisitForm::default()
    };
    let at = now.plus_millis(-5 * HOUR);
    vec![
        RefusedRecord {
            // Nothing of it is left among the records: it is here only.
            record: VisitId(uuid::Uuid::from_u128(41)).record(),
            title: "Dapur Melati".into(),
            reason: "too_large".into(),
            change: 41,
            at,
            form: serde_json::to_value(visit).ok(),
            opened: None,
            draft: Some(format!("visit/{umkm}")),
        },
        RefusedRecord {
            record: log_entry,
            title: "Menyusun bahan pelatihan kemasan".into(),
            reason: "wrong_owner".into(),
            change: 42,
            at: now.plus_millis(-4 * HOUR),
            form: None,
            opened: None,
            draft: None,
        },
    ]
}

fn conflicts(now: Timestamp, umkm: UmkmId, visit: RecordId, log_entry: RecordId) -> Vec<Conflict> {
    let value = |number: u8, text: &str, author: &str, days: i64, shown: bool| ConflictValue {
        choice: format!("{number:02x}").repeat(32),
        text: text.into(),
        author: author.into(),
        own: author == "Siti Rahmah",
        at: Some(now.plus_millis(-days * DAY)),
        shown,
    };
    let conflict = |record: RecordId, title: &str, field: &str, values: Vec<ConflictValue>| Conflict {
        record,
        title: title.into(),
        field: field.into(),
        values,
    };
    vec![
        conflict(
            umkm.record(),
            "Dapur Melati",
            "phone",
            vec![value(1, "0812-0000-1111", "Siti Rahmah", 3, true), value(2, "0813-0000-2222", "Rahmat Hidayat", 3, false)],
        ),
        conflict(
            umkm.record(),
            "Dapur Melati",
            "address",
            vec![
                value(3, "RT 2, dekat langgar", "Siti Rahmah", 20, false),
                value(4, "", "Ahmad Fauzi", 4, false),
                value(5, "Jalan Ninian Raya RT 5, di samping langgar, rumah cat hijau", "198001012006041000", 2, true),
            ],
        ),
        conflict(
            visit,
            "Dapur Melati",
            "problem",
            vec![
                value(6, "Label kemasan belum memuat tanggal kedaluwarsa.", "Siti Rahmah", 3, true),
                value(
                    7,
                    "Label kemasan belum memuat tanggal kedaluwarsa dan nomor P-IRT. Pemilik belum tahu cara mengurusnya; sudah dua \
                     kali ke kantor desa tetapi petugasnya sedang keluar.",
                    "Siti Rahmah",
                    3,
                    false,
                ),
            ],
        ),
        conflict(
            log_entry,
            "Menyusun bahan pelatihan kemasan",
            "output",
            vec![value(8, "12 lembar tayang", "Siti Rahmah", 1, true), value(9, "Bahan tayang selesai", "Siti Rahmah", 1, false)],
        ),
    ]
}
