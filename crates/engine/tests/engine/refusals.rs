//! What the server refused: rows are made anew without it, what fell with it is written anew, and the person sees the rest.

use lentera_protocol::receipt::WHOLE_BUNDLE;
use serde_json::json;

use crate::office::{Judge, refused};
use crate::world::{Link, Phone};

/// Refuses the first change of the next bundle.
fn refuse_first(code: &'static str) -> Judge {
    let mut left = 1;
    Box::new(move |_, _| {
        left -= 1;
        if left == 0 { vec![refused(0, code)] } else { vec![] }
    })
}

#[test]
fn a_record_refused_for_its_content_leaves_the_lists_and_is_shown_with_all_that_was_typed() {
    let phone = Phone::enrolled();
    phone.add("Sah");
    phone.sync();
    phone.world.office().judge = refuse_first("bad_record");
    phone.add("Ditolak");
    phone.sync();
    assert_eq!((phone.light(), phone.entries()), ((0, 1), vec!["Sah".to_owned()]));
    let refused = phone.call("delivery", json!({}))["refused"].clone();
    assert_eq!(refused.as_array().unwrap().len(), 1);
    assert_eq!(refused[0]["reason"], "bad_record");
    // It does not come back with the lists.
    phone.call("rebuild", json!({}));
    assert_eq!(phone.entries(), ["Sah"]);
    // What comes after is written by another writer, so that no number is used twice.
    phone.add("Baru");
    phone.sync();
    assert_eq!(phone.light(), (0, 1));
    let log = &phone.world.office().device().log.clone();
    let generation = |sealed: &[u8]| lentera_protocol::sign::peek::<lentera_protocol::bundle::Bundle>(sealed).unwrap().generation;
    assert_eq!(log.iter().map(|(sealed, _)| generation(sealed)).collect::<Vec<_>>(), [0, 0, 1]);
}

#[test]
fn what_fell_with_a_refused_edit_is_written_anew() {
    let phone = Phone::enrolled();
    let id = phone.add("Rapat")["id"].clone();
    phone.sync();
    phone.world.office().judge = refuse_first("bad_record");
    phone.edit(&id, "letter", "090/1");
    phone.sync();
    // The edit fell, the entry stands.
    let entry = phone.call("log_entry", json!({"id": id}))["entry"].clone();
    assert_eq!((entry["activity"].as_str(), entry["letter"].as_str()), (Some("Rapat"), None));
    assert_eq!(phone.light(), (0, 1));
}

#[test]
fn edits_on_a_refused_one_are_written_anew_whether_they_were_on_their_way_or_not() {
    let phone = Phone::enrolled();
    let id = phone.add("Rapat")["id"].clone();
    phone.sync();
    // Three edits, each on the one before: the first is refused, the second is sealed and unreceipted, the third is not sealed.
    phone.edit(&id, "letter", "090/1");
    phone.world.link.set(Link::Down);
    phone.sync();
    phone.edit(&id, "obstacle", "listrik padam");
    phone.sync();
    phone.world.link.set(Link::Up);
    phone.world.office().judge = Box::new(|bundle, _| match (bundle.generation, bundle.number) {
        (0, 2) => vec![refused(0, "bad_record")],
        (0, _) => vec![refused(0, "dep_not_accepted")],
        _ => vec![],
    });
    phone.world.office().tamper = {
        let mut cut = true;
        // The answer holds only the receipt of the first.
        Box::new(move |answer| {
            if std::mem::take(&mut cut) {
                answer.receipts.truncate(1);
            }
        })
    };
    let saved = phone.text("SELECT hex(saved) FROM change WHERE intent LIKE '%padam%'");
    phone.world.pass(60_000);
    phone.edit(&id, "output", "notulen");
    phone.sync();
    let entry = phone.call("log_entry", json!({"id": id}))["entry"].clone();
    assert_eq!((entry["letter"].as_str(), entry["obstacle"].as_str()), (None, Some("listrik padam")));
    assert_eq!(entry["output"], "notulen");
    assert_eq!(phone.light(), (0, 1), "only the refused one is of concern");
    assert_eq!(phone.number("SELECT count(*) FROM change WHERE outcome = 'replaced'"), 2);
    // Written anew with the clocks and the command of the first time.
    let anew = phone.text("SELECT hex(saved) FROM change WHERE replaces IS NOT NULL AND intent LIKE '%padam%'");
    assert_eq!(anew, saved);
    assert_eq!(phone.call("delivery", json!({}))["light"]["waiting"], 0);
}

#[test]
fn a_refusal_of_the_place_is_mended_and_after_three_times_told() {
    for code in ["wrong_seq", "wrong_actor", "dep_not_accepted"] {
        let phone = Phone::enrolled();
        phone.world.office().judge = refuse_first(code);
        phone.add("Rapat");
        phone.sync();
        assert_eq!((phone.light(), phone.entries()), ((0, 0), vec!["Rapat".to_owned()]), "{code}");
        assert_eq!(phone.world.office().changes().len(), 2);
    }
    let phone = Phone::enrolled();
    phone.world.office().judge = Box::new(|_, _| vec![refused(0, "wrong_seq")]);
    phone.add("Rapat");
    for _ in 0..10 {
        phone.sync();
    }
    assert_eq!(phone.world.office().changes().len(), 4, "once, and three times anew");
    assert_eq!((phone.light(), phone.entries()), ((0, 1), vec![]));
    assert_eq!(phone.call("delivery", json!({}))["refused"][0]["reason"], "wrong_seq");
}

#[test]
fn a_bundle_refused_whole_refuses_each_of_its_changes() {
    let phone = Phone::enrolled();
    phone.world.office().judge = Box::new(|_, _| vec![refused(WHOLE_BUNDLE, "malformed")]);
    phone.add("Satu");
    phone.add("Dua");
    phone.sync();
    assert_eq!((phone.light(), phone.entries()), ((0, 2), vec![]));
}

#[test]
fn an_entry_refused_with_its_edits_stays_readable_for_the_person() {
    let phone = Phone::enrolled();
    phone.world.link.set(Link::Down);
    let id = phone.add("Rapat")["id"].clone();
    phone.edit(&id, "obstacle", "listrik padam");
    phone.world.link.set(Link::Up);
    phone.world.office().judge = Box::new(|_, _| vec![refused(0, "not_allowed"), refused(1, "dep_not_accepted")]);
    phone.sync();
    assert_eq!((phone.light(), phone.entries()), ((0, 1), vec![]), "one record");
    // An edit alone is no entry: both are shown, none is sent again.
    assert_eq!(phone.call("delivery", json!({}))["refused"].as_array().unwrap().len(), 2);
    phone.sync();
    assert_eq!(phone.world.office().changes().len(), 2);
}

#[test]
fn what_was_written_anew_and_is_accepted_after_all_stands_once() {
    let phone = Phone::enrolled();
    phone.world.office().judge = refuse_first("wrong_seq");
    phone.add("Rapat");
    phone.sync();
    phone.world.office().time += 1_000;
    phone.world.office().amend(1, vec![]);
    phone.sync();
    assert_eq!((phone.light(), phone.entries()), ((0, 0), vec!["Rapat".to_owned()]));
    assert_eq!(phone.number("SELECT count(*) FROM change WHERE outcome = 'accepted'"), 2);
}

#[test]
fn of_a_record_whose_only_change_was_refused_nothing_is_shown() {
    let phone = Phone::enrolled();
    // The owner's protected data is a document without a field that must be there.
    phone.world.office().judge = Box::new(|_, changes| {
        let owners = (0..).zip(changes).filter(|(_, change)| change.kind == 3);
        owners.map(|(index, _)| refused(index, "bad_record")).collect()
    });
    let form = json!({"form": {"name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001", "phone": "0812"}});
    let id = phone.call("register_umkm", form)["id"].clone();
    phone.sync();
    assert_eq!(phone.number("SELECT count(*) FROM umkm_owner"), 0);
    assert_eq!(phone.call("umkm", json!({"id": id}))["form"]["phone"], "");
    assert_eq!(phone.call("delivery", json!({}))["refused"][0]["form"]["phone"], "0812");
}
