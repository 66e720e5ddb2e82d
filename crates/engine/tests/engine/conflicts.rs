//! Two devices fill in the same field, neither knowing of the other.

use lentera_domain::Kind;
use lentera_protocol::bundle::Stamp;
use lentera_protocol::stream::{Cursor, Origin, Page, Row};
use serde_json::{Value, json};

use crate::world::{NOW, Phone};

const COLLEAGUE: &str = "197911302005012001";

/// The changes that lie at one phone's office, as a page for another's.
fn page(from: &Phone, author: &str) -> Page {
    let rows = from.world.office().changes().into_iter().map(|change| {
        let saved = Stamp { boot: None, ..change.saved };
        let origin = Origin { author: author.to_owned(), saved, arrived: NOW };
        Row::Change { kind: change.kind, id: change.id, bytes: change.bytes, origin: Some(origin) }
    });
    Page { rows: rows.collect(), cursor: Cursor { stream: 1, position: 9, hash: [1; 8], below: None } }
}

fn give(from: &Phone, author: &str, to: &Phone) {
    to.world.office().pages.push(page(from, author));
    to.sync();
}

fn edit(phone: &Phone, id: &Value, opened: &Value, changes: &[(&str, &str)]) {
    let mut form = opened.clone();
    changes.iter().for_each(|(field, value)| form[*field] = (*value).into());
    phone.call("edit_umkm", json!({"id": id, "opened": opened, "form": form}));
    phone.sync();
}

/// Two phones that know the same enterprise, and its id and form.
fn two_phones() -> (Phone, Phone, Value, Value) {
    let (here, there) = (Phone::enrolled(), Phone::enrolled_as(COLLEAGUE));
    let form = json!({
        "name": "Dapur Melati", "owner_name": "Aluh", "village": "63.11.01.2001", "product": "kue", "nik": "6311015203720001"
    });
    let id = here.call("register_umkm", json!({"form": form}))["id"].clone();
    here.sync();
    give(&here, crate::world::NIP, &there);
    let form = there.call("umkm", json!({"id": id}))["form"].clone();
    (here, there, id, form)
}

#[test]
fn different_fields_merge_and_the_same_one_is_settled_by_one_tap_on_every_device() {
    let (here, there, id, form) = two_phones();
    here.world.pass(60_000);
    edit(&here, &id, &form, &[("product", "kue kering"), ("address", "RT 1")]);
    edit(&there, &id, &form, &[("product", "kue basah"), ("founded", "2011")]);
    give(&there, COLLEAGUE, &here);
    give(&here, crate::world::NIP, &there);
    let (mine, theirs) = (here.call("conflicts", json!({})), there.call("conflicts", json!({})));
    assert_eq!(mine.as_array().unwrap().len(), 1, "{mine}");
    let (mine, theirs) = (&mine[0], &theirs[0]);
    assert_eq!((&mine["field"], &mine["title"]), (&json!("product"), &json!("Dapur Melati")));
    assert_eq!(mine["record"], json!({"kind": "umkm", "id": id}));
    let values = mine["values"].as_array().unwrap();
    let texts: Vec<_> = values.iter().map(|value| value["text"].as_str().unwrap()).collect();
    assert!(texts.contains(&"kue kering") && texts.contains(&"kue basah"));
    assert_eq!(values.iter().filter(|value| value["shown"] == true).count(), 1);
    for (value, other) in values.iter().zip(theirs["values"].as_array().unwrap()) {
        assert_eq!((&value["choice"], &value["shown"]), (&other["choice"], &other["shown"]), "the same on both");
        assert_ne!(value["own"], other["own"]);
    }
    let own = values.iter().find(|value| value["own"] == true).unwrap();
    assert_eq!((&own["text"], own["at"].as_i64()), (&json!("kue kering"), Some(NOW + 60_000)));
    let other = values.iter().find(|value| value["own"] == false).unwrap();
    assert_eq!(other["author"], COLLEAGUE, "of whom no name is known here");

    // Both edits of other fields stand, the list and the first screen tell of the conflict.
    let detail = here.call("umkm", json!({"id": id}));
    assert_eq!((detail["form"]["address"].as_str(), detail["form"]["founded"].as_str()), (Some("RT 1"), Some("2011")));
    assert_eq!(detail["conflicts"], here.call("conflicts", json!({})));
    assert_eq!(here.call("list_umkm", json!({"limit": 5}))["rows"][0]["conflicts"], 1);
    assert_eq!(here.call("home", json!({}))["conflicts"], 1);
    assert_eq!(here.call("delivery", json!({}))["findings"], json!([{"finding": "conflicts", "records": 1}]));

    // What is not shown is chosen, and that goes to the other device.
    let hidden = values.iter().find(|value| value["shown"] == false).unwrap();
    let settle = json!({"record": mine["record"], "field": "product", "choice": hidden["choice"]});
    here.call("settle_conflict", settle.clone());
    assert_eq!(here.light().0, 1);
    assert!(here.try_call("settle_conflict", settle).is_err(), "there is nothing left to settle");
    here.sync();
    give(&here, crate::world::NIP, &there);
    for phone in [&here, &there] {
        assert_eq!(phone.call("conflicts", json!({})), json!([]));
        assert_eq!(phone.call("umkm", json!({"id": id}))["form"]["product"], hidden["text"]);
        assert_eq!(phone.call("home", json!({}))["conflicts"], 0);
        // What was not chosen is in the history.
        let history = phone.call("history", json!({"record": mine["record"]})).to_string();
        assert!(history.contains("kue kering") && history.contains("kue basah"), "{history}");
    }
}

#[test]
fn a_nik_is_shown_as_far_as_it_differs_and_settled_in_its_own_document() {
    let (here, there, id, form) = two_phones();
    edit(&here, &id, &form, &[("nik", "6311015203720002")]);
    edit(&there, &id, &form, &[("nik", "6311015203780001"), ("phone", "0812")]);
    give(&there, COLLEAGUE, &here);
    let conflicts = here.call("conflicts", json!({}));
    let values = conflicts[0]["values"].as_array().unwrap();
    let mut texts: Vec<_> = values.iter().map(|value| value["text"].as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["6311*******2**02", "6311*******8**01"]);
    let chosen = values.iter().find(|value| value["own"] == true).unwrap();
    here.call("settle_conflict", json!({"record": conflicts[0]["record"], "field": "nik", "choice": chosen["choice"]}));
    let form = here.call("umkm", json!({"id": id}))["form"].clone();
    assert_eq!((form["nik"].as_str(), form["phone"].as_str()), (Some("6311015203720002"), Some("0812")));
    assert_eq!(here.call("conflicts", json!({})), json!([]));
}

#[test]
fn conflicts_are_made_anew_with_the_rows_and_foreign_choices_are_refused() {
    let (here, there, id, form) = two_phones();
    edit(&here, &id, &form, &[("product", "a")]);
    edit(&there, &id, &form, &[("product", "b")]);
    give(&there, COLLEAGUE, &here);
    let before = here.call("conflicts", json!({}));
    here.call("rebuild", json!({}));
    assert_eq!(here.call("conflicts", json!({})), before);
    for (field, choice) in [("product", "00"), ("name", before[0]["values"][0]["choice"].as_str().unwrap()), ("kind", "")] {
        let settle = json!({"record": {"kind": Kind::Umkm, "id": id}, "field": field, "choice": choice});
        assert_eq!(here.try_call("settle_conflict", settle).unwrap_err().code(), "not_found");
    }
    assert_eq!(here.light().0, 0, "nothing was written");
}

#[test]
fn two_devices_of_one_person_that_fill_in_the_same_are_in_no_conflict() {
    let (here, there, id, form) = two_phones();
    edit(&here, &id, &form, &[("product", "kue kering")]);
    edit(&there, &id, &form, &[("product", "kue kering")]);
    give(&there, COLLEAGUE, &here);
    assert_eq!(here.call("conflicts", json!({})), json!([]));
}

#[test]
fn what_came_while_a_form_was_open_is_a_conflict_and_what_was_not_touched_stays_theirs() {
    let (here, there, id, form) = two_phones();
    edit(&there, &id, &form, &[("product", "kue basah"), ("phone", "0812")]);
    give(&there, COLLEAGUE, &here);
    // Opened before, saved after: from a form left open, or from its draft.
    edit(&here, &id, &form, &[("product", "kue kering"), ("address", "RT 1")]);
    let conflicts = here.call("conflicts", json!({}));
    let mut texts: Vec<_> =
        conflicts[0]["values"].as_array().unwrap().iter().map(|value| value["text"].as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!((conflicts.as_array().unwrap().len(), texts), (1, vec!["kue basah", "kue kering"]));
    let form = here.call("umkm", json!({"id": id}))["form"].clone();
    assert_eq!((form["phone"].as_str(), form["address"].as_str()), (Some("0812"), Some("RT 1")));
    give(&here, crate::world::NIP, &there);
    assert_eq!(there.call("conflicts", json!({}))[0]["values"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_written_anew_under_another_key_leaves_what_a_colleague_wrote_meanwhile() {
    let (here, there, id, form) = two_phones();
    here.world.link.set(crate::world::Link::Down);
    edit(&here, &id, &form, &[("product", "kue kering")]);
    edit(&there, &id, &form, &[("product", "kue basah")]);
    here.world.link.set(crate::world::Link::Up);
    // The colleague's edit comes with an answer that carried nothing of this device's away.
    here.world.office().tamper = Box::new(|answer| answer.receipts.clear());
    give(&there, COLLEAGUE, &here);
    here.world.office().tamper = Box::new(|_| {});
    let first = *here.world.office().devices.keys().next().unwrap();
    here.world.office().devices.get_mut(&first).unwrap().frozen = true;
    here.sync();
    here.call("log_in_again", json!({"password": "x"}));
    here.sync();
    let conflicts = here.call("conflicts", json!({}));
    assert_eq!(conflicts[0]["values"].as_array().map(Vec::len), Some(2), "{conflicts}");
}
