use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ScalarValue, ScalarValueRef};
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{RecordId, Timestamp, UmkmId};
use uuid::Uuid;

use super::*;
use crate::{Fields, NewChange, fields_of};

mod mutations;

const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

fn id() -> RecordId {
    UmkmId(Uuid::from_u128(9)).record()
}

fn actor(n: u8) -> Actor {
    Actor::derive(&[n; 32], 0)
}

fn fields(founded: &str) -> Fields {
    let form = UmkmForm {
        name: "Dapur".into(),
        owner_name: "Aluh".into(),
        village: "63.11.01.2001".into(),
        founded: founded.into(),
        ..UmkmForm::default()
    };
    fields_of(&form.parse(NOW).unwrap().0).unwrap()
}

fn blank() -> Document {
    Document::new(id()).unwrap()
}

/// The enterprise, made by the first writer, and the change that made it.
fn made() -> (Document, NewChange) {
    let mut document = blank();
    let change = document.write(actor(1), NOW, &Fields::default(), &fields("")).unwrap().unwrap();
    (document, change)
}

/// `document` as `writer` has changed it by hand, not through [`Document`], and the bytes of that change.
fn forged(document: &Document, writer: u8, options: CommitOptions, puts: &[(&str, ScalarValue)]) -> Vec<u8> {
    let mut doc = document.doc.clone();
    doc.set_actor(actor(writer).id());
    let mut transaction = doc.transaction();
    for (key, value) in puts {
        transaction.put(ROOT, *key, value.clone()).unwrap();
    }
    let hash = transaction.commit_with(options).0.unwrap();
    doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

fn refusal(document: &Document, writer: u8, bytes: &[u8]) -> Refusal {
    examine(document, Some(actor(writer)), bytes, &NoWatch).map(|_| ()).unwrap_err()
}

#[test]
fn honest_changes_pass_once_and_are_known_after() {
    let (mut document, first) = made();
    assert_eq!(change_hash(&first.bytes), Some(first.hash));
    let accepted = examine(&blank(), Some(actor(1)), &first.bytes, &NoWatch).unwrap();
    assert_eq!((accepted.known, accepted.hash, accepted.document.fields()), (false, first.hash, document.fields()));
    let again = examine(&accepted.document, Some(actor(1)), &first.bytes, &NoWatch).unwrap();
    assert_eq!((again.known, again.projection), (true, accepted.projection));
    let second = document.write(actor(1), NOW, &fields(""), &fields("1999")).unwrap().unwrap();
    assert!(!examine(&accepted.document, None, &second.bytes, &NoWatch).unwrap().known);
}

#[test]
fn what_is_out_of_place_is_named() {
    let (mut document, first) = made();
    let second = document.write(actor(1), NOW, &fields(""), &fields("1999")).unwrap().unwrap();
    assert_eq!(refusal(&blank(), 1, &second.bytes), Refusal::Need(first.hash));
    assert_eq!(refusal(&blank(), 2, &first.bytes), Refusal::WrongActor);
    assert_eq!(refusal(&blank(), 1, b""), Refusal::Malformed);
    assert_eq!(refusal(&blank(), 1, &[0; 100]), Refusal::Malformed);
    // A second first change of the same writer, as a disk that was set back would make it.
    let twin = forged(&made().0, 1, CommitOptions::default(), &[("product", "kue".into())]);
    assert_eq!(refusal(&document, 1, &twin), Refusal::WrongSeq);
}

#[test]
fn a_record_that_is_none_is_refused() {
    let mut document = blank();
    let mut broken = fields("");
    broken.insert("village".into(), &ScalarValueRef::from("nowhere"));
    let change = document.write(actor(1), NOW, &Fields::default(), &broken).unwrap().unwrap();
    assert_eq!(refusal(&blank(), 1, &change.bytes), Refusal::BadRecord);
    for (field, value) in [("founded", 1799), ("founded", 10_000), ("kbli_edition", 2019)] {
        let beyond = forged(&made().0, 1, CommitOptions::default(), &[(field, value.into())]);
        assert_eq!(refusal(&made().0, 1, &beyond), Refusal::BadRecord, "{field} {value}");
    }
    for (field, value) in [("founded", 1800), ("founded", 9999), ("kbli_edition", 2020)] {
        let within = forged(&made().0, 1, CommitOptions::default(), &[(field, value.into())]);
        assert!(examine(&made().0, Some(actor(1)), &within, &NoWatch).is_ok(), "{field} {value}");
    }
    let kecamatan = forged(&made().0, 1, CommitOptions::default(), &[("village", "63.11.01".into())]);
    assert_eq!(refusal(&made().0, 1, &kecamatan), Refusal::BadRecord);
    let other_kind = forged(&made().0, 1, CommitOptions::default(), &[("kind", 1.into())]);
    assert_eq!(refusal(&made().0, 1, &other_kind), Refusal::BadRecord);
}

#[test]
fn a_map_in_a_record_is_refused_even_where_another_value_is_shown() {
    let (document, _) = made();
    let mut nested = document.doc.clone();
    nested.set_actor(actor(2).id());
    let mut transaction = nested.transaction();
    transaction.put_object(ROOT, "product", automerge::ObjType::Map).unwrap();
    let hash = transaction.commit().0.unwrap();
    let bytes = nested.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec();
    assert_eq!(refusal(&document, 2, &bytes), Refusal::BadRecord);
    for other in [3, 4, 5, 6] {
        let mut beside = document.clone();
        let text = fields_of(&serde_json::json!({ "product": "kue" })).unwrap();
        beside.write(actor(other), NOW, &Fields::default(), &text).unwrap().unwrap();
        assert_eq!(refusal(&beside, 2, &bytes), Refusal::BadRecord, "beside writer {other}");
    }
}

#[test]
fn chunks_of_other_types_are_refused() {
    let (document, first) = made();
    for kind in [0, 2, 3, 4, 255] {
        let mut chunk = first.bytes.clone();
        chunk[8] = kind;
        crate::released::mend(&mut chunk);
        assert_eq!(refusal(&blank(), 1, &chunk), Refusal::Malformed, "type {kind}");
    }
    assert_eq!(refusal(&blank(), 1, &document.doc.save()), Refusal::Malformed);
    let long = forged(&blank(), 1, CommitOptions::default(), &[("name", "kue ".repeat(200).into())]);
    let compressed = Change::try_from(long.as_slice()).unwrap().bytes().into_owned();
    assert_eq!(compressed[8], 2, "no compressed chunk");
    assert_eq!(refusal(&blank(), 1, &compressed), Refusal::Malformed);
}

#[test]
fn numbers_of_operations_cannot_be_used_up() {
    let (document, _) = made();
    let honest = forged(&document, 2, CommitOptions::default(), &[("product", "kue".into())]);
    assert!(examine(&document, None, &honest, &NoWatch).is_ok());
    let mut ahead = Change::try_from(honest.as_slice()).unwrap().decode();
    ahead.start_op = ahead.start_op.checked_add(1).unwrap();
    assert_eq!(refusal(&document, 2, Change::from(ahead).raw_bytes()), Refusal::Malformed);
}

#[test]
fn a_message_of_a_commit_passes_up_to_its_limit() {
    let (document, _) = made();
    let with_message = |length: u64| {
        let message = "m".repeat(usize::try_from(length).unwrap());
        forged(&document, 1, CommitOptions::default().with_message(message), &[("product", "kue".into())])
    };
    assert!(examine(&document, None, &with_message(prescan::MESSAGE_BYTES_MAX), &NoWatch).is_ok());
    assert_eq!(refusal(&document, 1, &with_message(prescan::MESSAGE_BYTES_MAX + 1)), Refusal::TooLarge);
}

#[test]
fn operations_pass_up_to_their_limit() {
    let (document, _) = made();
    let with_operations = |count: u64| {
        let keys: Vec<String> = (0..count).map(|n| format!("later{n}")).collect();
        let puts: Vec<(&str, ScalarValue)> = keys.iter().map(|key| (key.as_str(), 1.into())).collect();
        forged(&document, 1, CommitOptions::default(), &puts)
    };
    assert!(examine(&document, None, &with_operations(CHANGE_OPS_MAX), &NoWatch).is_ok());
    assert_eq!(refusal(&document, 1, &with_operations(CHANGE_OPS_MAX + 1)), Refusal::TooLarge);
}

/// As many devices as may leave heads apart edit the same three fields at once; one that has seen all of them writes over all.
#[test]
fn many_heads_are_joined_up_to_the_limit() {
    let (base, first) = made();
    let apart = |count: u64| {
        let edits = (0..count).map(|n| {
            let writer = Actor::derive(&[3; 32], u32::try_from(n).unwrap());
            let edit =
                |text: &str| fields_of(&serde_json::json!({ "product": text, "legal_form": text, "address": text })).unwrap();
            let change = base.clone().write(writer, NOW, &Fields::default(), &edit(&format!("{n}"))).unwrap().unwrap();
            change.bytes
        });
        let edits: Vec<_> = edits.collect();
        let kept = std::iter::once(first.bytes.as_slice()).chain(edits.iter().map(Vec::as_slice));
        Document::load(id(), kept).unwrap()
    };
    let join = |document: &Document| {
        let puts = ["product", "legal_form", "address"].map(|key| (key, ScalarValue::from("settled")));
        forged(document, 9, CommitOptions::default(), &puts)
    };
    let most = apart(CHANGE_DEPS_MAX);
    let joined = examine(&most, Some(actor(9)), &join(&most), &NoWatch).unwrap();
    assert_eq!((most.conflicts().len(), joined.document.conflicts().len()), (3, 0));
    let too_many = apart(CHANGE_DEPS_MAX + 1);
    assert_eq!(refusal(&too_many, 9, &join(&too_many)), Refusal::TooLarge);
}

#[test]
fn a_document_takes_changes_up_to_its_limit() {
    let (base, first) = made();
    let edits: Vec<_> = (0..DOCUMENT_CHANGES_MAX)
        .map(|n| {
            let writer = Actor::derive(&[4; 32], u32::try_from(n).unwrap());
            forged_like(&base, writer)
        })
        .collect();
    let with = |count: usize| {
        let kept = std::iter::once(&first.bytes).chain(edits.iter().take(count - 1)).map(Vec::as_slice);
        Document::load(id(), kept).unwrap()
    };
    let next = edits.last().unwrap();
    assert!(examine(&with(DOCUMENT_CHANGES_MAX - 1), None, next, &NoWatch).is_ok());
    assert_eq!(examine(&with(DOCUMENT_CHANGES_MAX), None, next, &NoWatch).map(|_| ()), Err(Refusal::TooLarge));
    assert!(examine(&with(DOCUMENT_CHANGES_MAX), None, &first.bytes, &NoWatch).unwrap().known);
}

/// One small edit of `base`.
fn forged_like(base: &Document, writer: Actor) -> Vec<u8> {
    let text = fields_of(&serde_json::json!({ "founded": 1999 })).unwrap();
    base.clone().write(writer, NOW, &Fields::default(), &text).unwrap().unwrap().bytes
}

#[test]
fn the_watch_knows_what_is_decoded_and_nothing_else() {
    #[derive(Default)]
    struct Notes(std::sync::Mutex<Vec<(bool, ChangeHash)>>);
    impl Watch for Notes {
        fn begin(&self, hash: ChangeHash) {
            self.0.lock().unwrap().push((true, hash));
        }
        fn end(&self, hash: ChangeHash) {
            self.0.lock().unwrap().push((false, hash));
        }
    }
    let (document, first) = made();
    let notes = Notes::default();
    assert!(examine(&blank(), None, &first.bytes, &notes).is_ok());
    let name = watch_hash(&first.bytes);
    assert_eq!(*notes.0.lock().unwrap(), [(true, name), (false, name)]);
    let notes = Notes::default();
    assert!(examine(&document, None, &first.bytes, &notes).unwrap().known);
    assert!(examine(&blank(), None, &[0; 50], &notes).is_err());
    assert!(examine(&blank(), Some(actor(2)), &first.bytes, &notes).is_err());
    assert_eq!(*notes.0.lock().unwrap(), []);
}
