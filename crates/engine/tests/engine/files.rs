//! What is unsent goes by file to the server, over a colleague's phone, and the receipts come back the same way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lentera_api::Error;
use lentera_protocol::limits::{FILE_MAX, PARCEL_MAX};
use lentera_protocol::parcel::{LenteraFile, unpack};
use lentera_protocol::sync::Sealed;
use lentera_protocol::{Hash, limits};
use serde_json::{Value, json};

use crate::office::Office;
use crate::world::{Link, Phone};

const COLLEAGUE: &str = "197911302005012001";
/// Bytes of bundles in one file at most, as the engine has it.
const CONTENT_MAX: usize = FILE_MAX - FILE_MAX / 8;
/// New files of one minute at most, likewise.
const NAMES_MAX: usize = 1_000;
/// Bytes of parcels that wait on one phone at most, likewise.
const WAITING_MAX: usize = 8 * FILE_MAX;

fn export(phone: &Phone, command: &str) -> (Value, Vec<u8>) {
    let exported = phone.call(command, json!({}));
    let bytes = std::fs::read(exported["path"].as_str().unwrap()).unwrap();
    assert_eq!(exported["bytes"].as_u64(), Some(bytes.len() as u64));
    (exported, bytes)
}

fn take(phone: &Phone, bytes: &[u8]) -> Result<Value, Error> {
    phone.try_call("take_file", json!({"content": STANDARD.encode(bytes)}))
}

fn fingerprint() -> Hash {
    Hash::of(Office::key().verifying_key().as_bytes())
}

/// A phone without a network and with work, and a colleague's with a network to the same office.
fn two_phones() -> (Phone, Phone) {
    let (cut_off, courier) = (Phone::enrolled(), Phone::enrolled_as(COLLEAGUE));
    cut_off.world.link.set(Link::Down);
    let known = cut_off.world.office().devices.clone();
    courier.world.office().devices.extend(known);
    (cut_off, courier)
}

#[test]
fn work_arrives_over_a_colleagues_phone_and_the_receipts_come_back() {
    let (cut_off, courier) = two_phones();
    cut_off.add("Rekap harga");
    cut_off.call("register_umkm", json!({"form": {"name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001"}}));
    let (exported, parcels) = export(&cut_off, "export_unsent");
    assert!(exported["path"].as_str().unwrap().ends_with("belum-terkirim 2026-11-23 10.00.lentera"));
    assert_eq!(cut_off.light().0, 2, "only a receipt turns the light");
    assert!(!parcels.windows(5).any(|window| window == b"Rekap"), "whoever carries it cannot read it");

    assert_eq!(take(&courier, &parcels).unwrap(), json!({"parcels": 1, "receipts": 0}));
    assert_eq!(take(&courier, &parcels).unwrap()["parcels"], 0, "once each");
    let carried = |phone: &Phone| phone.call("delivery", json!({}))["carried"].clone();
    assert_eq!(carried(&courier), json!({"waiting": 1, "delivered": 0, "receipts": 0}));
    assert_eq!(courier.try_call("export_receipts", json!({})), Err(Error::NothingToExport));
    courier.world.link.set(Link::AnswersLost);
    courier.sync();
    assert_eq!(carried(&courier)["waiting"], 1, "without an answer it is offered again");
    courier.world.link.set(Link::Up);
    courier.sync();
    let count = exported["count"].as_i64().unwrap();
    assert_eq!(carried(&courier), json!({"waiting": 0, "delivered": 1, "receipts": count}));
    assert_eq!(courier.light(), (0, 0), "it is not this person's work");

    let (_, receipts) = export(&courier, "export_receipts");
    assert_eq!(take(&cut_off, &receipts).unwrap(), json!({"parcels": 0, "receipts": count}));
    assert_eq!(cut_off.light(), (0, 0));
    assert_eq!(cut_off.call("log_day", json!({}))["entries"][0]["delivered"], "arrived");
    assert_eq!(cut_off.try_call("export_unsent", json!({})), Err(Error::NothingToExport));
    assert_eq!(take(&courier, &receipts).unwrap(), json!({"parcels": 0, "receipts": 0}), "they are for another");
}

#[test]
fn the_same_bytes_are_in_the_file_and_in_a_later_request() {
    let (cut_off, _) = two_phones();
    cut_off.add("Rekap");
    let (_, bytes) = export(&cut_off, "export_unsent");
    let LenteraFile::Parcels { server, parcels } = LenteraFile::read(&bytes).unwrap() else { panic!("parcels") };
    assert_eq!(server, fingerprint());
    let bundles: Vec<_> = parcels.iter().flat_map(|parcel| unpack(&parcel.0, &Office::key()).unwrap()).collect();
    let (again, _) = export(&cut_off, "export_unsent");
    assert!(again["path"].as_str().unwrap().ends_with("10.00 (2).lentera"), "no file is written over unasked: {again}");
    cut_off.world.link.set(Link::Up);
    cut_off.sync();
    let sent: Vec<_> = cut_off.world.office().device().log.iter().map(|(sealed, _)| sealed.clone()).collect();
    assert_eq!(sent, bundles);
}

#[test]
fn only_files_of_this_office_are_taken_and_a_bad_one_changes_nothing() {
    let (cut_off, courier) = two_phones();
    cut_off.add("Rekap");
    let (_, good) = export(&cut_off, "export_unsent");
    let refused = |bytes: &[u8]| take(&courier, bytes).unwrap_err().code();
    for bad in [b"".as_slice(), b"PK\x03\x04 a picture", &good[..good.len() - 1], b"lentera\x01\xff\xff"] {
        assert_eq!(refused(bad), "bad_file");
    }
    assert_eq!(courier.try_call("take_file", json!({"content": "%%%"})).unwrap_err().code(), "bad_file");
    let parcel = |size: usize| Sealed(vec![7; size]);
    let file = |server: Hash, parcels: Vec<Sealed>| LenteraFile::Parcels { server, parcels }.write();
    assert_eq!(refused(&file(Hash([9; 32]), vec![parcel(10)])), "other_servers_file");
    assert_eq!(refused(&file(fingerprint(), vec![parcel(10), parcel(limits::BUNDLE_MAX + 1)])), "bad_file");
    assert_eq!(refused(&file(fingerprint(), vec![parcel(0)])), "bad_file");
    let receipts = LenteraFile::Receipts { server: fingerprint(), receipts: vec![parcel(100)] };
    assert_eq!(take(&courier, &receipts.write()).unwrap()["receipts"], 0, "a receipt must be signed");
    assert_eq!(courier.call("delivery", json!({}))["carried"]["waiting"], 0, "all of a file or nothing");
}

#[test]
fn a_phone_carries_so_much_and_no_more() {
    let courier = Phone::enrolled();
    let sql = "INSERT INTO courier (hash, parcel, taken_at) VALUES (x'00', zeroblob(?), 0)";
    rusqlite::Connection::open(courier.database()).unwrap().execute(sql, [WAITING_MAX as i64 - 100]).unwrap();
    let take = |sizes: &[usize]| {
        let parcels = sizes.iter().map(|size| Sealed(vec![7; *size])).collect();
        let taken = take(&courier, &LenteraFile::Parcels { server: fingerprint(), parcels }.write());
        (taken.map(|taken| taken["parcels"].clone()), courier.call("delivery", json!({}))["carried"]["waiting"].clone())
    };
    assert_eq!(take(&[60, 41]), (Err(Error::TooManyParcels), json!(1)), "all of a file or nothing");
    assert_eq!(take(&[60, 40]), (Ok(json!(2)), json!(3)));
    assert_eq!(take(&[1]), (Err(Error::TooManyParcels), json!(3)));
}

#[test]
fn a_file_is_taken_up_to_its_limit() {
    let courier = Phone::enrolled();
    let file = |size: usize| {
        let of = |last: usize| {
            let parcels = (0..139).map(|number| Sealed(vec![number; 60_000])).chain([Sealed(vec![200; last])]);
            LenteraFile::Parcels { server: fingerprint(), parcels: parcels.collect() }.write()
        };
        of(size - (of(40_000).len() - 40_000))
    };
    for over in [file(FILE_MAX + 1), vec![0; FILE_MAX * 2]] {
        assert_eq!(take(&courier, &over), Err(Error::BadFile { detail: "too large".into() }));
    }
    assert_eq!(courier.call("delivery", json!({}))["carried"]["waiting"], 0);
    assert_eq!(take(&courier, &file(FILE_MAX)).unwrap(), json!({"parcels": 140, "receipts": 0}));
}

#[test]
fn a_file_is_filled_to_its_limit_and_what_is_over_waits_for_the_next() {
    // Frames and parcels are reckoned with each bundle.
    let reckoned = |phone: &Phone| {
        let sql = format!("SELECT sum(length(sealed) + {}) FROM bundle", PARCEL_MAX / 256);
        usize::try_from(phone.number(&sql)).unwrap()
    };
    let phone = |sizes: &[usize]| {
        let phone = Phone::enrolled();
        phone.seal_with(sizes.iter().copied());
        phone
    };
    let last = CONTENT_MAX - reckoned(&phone(&[0])) - 152 * (48_000 + PARCEL_MAX / 256);
    for (last, content, count) in [(last, CONTENT_MAX, 154), (last + 1, CONTENT_MAX + 1, 153)] {
        let phone = phone(&[[48_000; 152].as_slice(), &[last]].concat());
        let (exported, bytes) = export(&phone, "export_unsent");
        assert_eq!((reckoned(&phone), &exported["count"]), (content, &json!(count)));
        assert!(LenteraFile::read(&bytes).is_ok());
    }
}

#[test]
fn a_minute_has_names_for_so_many_files_and_the_next_has_more() {
    let phone = Phone::enrolled();
    phone.add("Rekap");
    let name = |number: usize| {
        let number = if number == 1 { String::new() } else { format!(" ({number})") };
        phone.path().join(format!("belum-terkirim 2026-11-23 10.00{number}.lentera"))
    };
    (1..NAMES_MAX).for_each(|number| std::fs::write(name(number), b"").unwrap());
    assert_eq!(export(&phone, "export_unsent").0["path"].as_str(), name(NAMES_MAX).to_str());
    let files = || std::fs::read_dir(phone.path()).unwrap().count();
    let before = files();
    let refused = Err(Error::Storage { detail: "no free name".into() });
    assert_eq!((phone.try_call("export_unsent", json!({})), files()), (refused, before));
    phone.world.pass(60_000);
    export(&phone, "export_unsent");
}

#[test]
fn nothing_but_a_lentera_file_is_written_over() {
    let (cut_off, _) = two_phones();
    cut_off.add("Rekap");
    let letter = cut_off.path().join("surat.docx");
    std::fs::write(&letter, b"penting").unwrap();
    let refused = cut_off.try_call("export_unsent", json!({"path": letter.to_str().unwrap()}));
    assert!(matches!(refused, Err(Error::BadArguments { .. })));
    assert_eq!(std::fs::read(&letter).unwrap(), b"penting");
    let missing = cut_off.path().join("tidak-ada/x.lentera");
    assert!(matches!(cut_off.try_call("export_unsent", json!({"path": missing.to_str().unwrap()})), Err(Error::Storage { .. })));
    let named = cut_off.path().join("titip.lentera");
    cut_off.call("export_unsent", json!({"path": named.to_str().unwrap()}));
    assert!(LenteraFile::read(&std::fs::read(named).unwrap()).is_ok());
    assert!(!cut_off.path().join("titip.lentera-part").exists());
}

#[test]
fn parcels_behind_the_frame_at_which_the_server_stopped_go_again() {
    let (cut_off, courier) = two_phones();
    cut_off.add("Rekap");
    let (_, parcels) = export(&cut_off, "export_unsent");
    take(&courier, &parcels).unwrap();
    let carried = |courier: &Phone| courier.number("SELECT count(*) FROM courier WHERE delivered_at IS NULL");
    // Something before it was too many already.
    courier.world.office().tamper = Box::new(|answer| {
        answer.receipts.clear();
        answer.unreadable = vec![lentera_protocol::sync::Unreadable { index: 0, code: "too_many".into() }];
    });
    courier.sync();
    assert_eq!(carried(&courier), 1);
    courier.world.office().tamper = Box::new(|_| {});
    courier.sync();
    assert_eq!(carried(&courier), 0);
}
