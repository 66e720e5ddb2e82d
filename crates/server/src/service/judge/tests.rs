//! The limits of one document.

use lentera_document::guard::NoWatch;

use super::super::testing::{NOW, SITI, STAMP, log_entry};
use super::*;
use crate::storage::KeptChange;

const KEY: [u8; 32] = [7; 32];

fn bearer() -> Bearer {
    let author = Nip::parse(SITI).unwrap();
    let own = Own::of(&author, "Bidang");
    Bearer { device: DeviceId::of_key(&KEY), number: 1, key: KEY, generation: 0, author, own, arrived: NOW }
}

fn guard() -> Guard {
    Guard { watch: Arc::new(NoWatch), poisoned: Arc::default() }
}

fn judged(bytes: Vec<u8>) -> KeptChange {
    KeptChange { bytes, unjudged: None }
}

/// Of a kind that nobody knows.
fn unknown(bytes: Vec<u8>) -> Change {
    Change { kind: 900, id: [4; 16], bytes, saved: STAMP, part: None }
}

fn key_of(change: &Change) -> DocumentKey {
    DocumentKey { kind: change.kind, id: change.id }
}

/// What is said of `changes`, of one document that stands like this.
fn judge(kept: KeptDocument, changes: Vec<Change>) -> Judgement {
    let kept = changes.first().map(|change| (key_of(change), kept)).into_iter().collect();
    let case = Case { bearer: bearer(), kept, guard: guard() };
    case.judge((0..).zip(changes).map(|(index, change)| Sent { index, change, refused: None }).collect())
}

fn outcomes(judgement: Judgement) -> Vec<Option<Outcome>> {
    judgement.outcomes.into_values().collect()
}

fn refused(code: &str) -> Option<Outcome> {
    Some(Outcome::Refused(code.to_owned()))
}

/// Something that waits in a document, of so many bytes.
fn waiting(change: &Change, size: usize) -> Waiting {
    let place = Place { device: DeviceId::of_key(&KEY), number: 9, index: 0 };
    let waiting = WaitingChange {
        place,
        key: key_of(change),
        needs: [9; 32],
        bytes: vec![9; size],
        saved: STAMP,
        generation: 0,
        home: String::new(),
    };
    Waiting { change: waiting, key: KEY, author: bearer().author, arrived: NOW, receipt: vec![], amendment: 0 }
}

#[test]
fn a_document_has_an_end() {
    let full =
        |left: usize| KeptDocument { changes: vec![judged(vec![1; DOCUMENT_BYTES_MAX - left])], ..KeptDocument::default() };
    assert_eq!(outcomes(judge(full(10), vec![unknown(vec![2; 10])])), [Some(Outcome::Unknown)]);
    assert_eq!(outcomes(judge(full(10), vec![unknown(vec![2; 11])])), [refused("too_large")]);
    // Together, too; and what is smaller still fits.
    let three = [vec![2; 6], vec![3; 5], vec![4; 4]].map(unknown).to_vec();
    assert_eq!(outcomes(judge(full(10), three)), [Some(Outcome::Unknown), refused("too_large"), Some(Outcome::Unknown)]);
}

#[test]
fn a_document_of_an_unknown_kind_has_no_more_changes_than_can_be_judged_at_once() {
    let of = |count: usize| {
        let changes = (0..count).map(|n| judged(n.to_le_bytes().to_vec())).collect();
        KeptDocument { changes, ..KeptDocument::default() }
    };
    assert_eq!(outcomes(judge(of(UNJUDGED_MAX - 1), vec![unknown(vec![7; 20])])), [Some(Outcome::Unknown)]);
    assert_eq!(outcomes(judge(of(UNJUDGED_MAX), vec![unknown(vec![7; 20])])), [refused("too_large")]);
    // What is here already is known.
    assert_eq!(outcomes(judge(of(UNJUDGED_MAX), vec![unknown(vec![0; 8])])), [None]);
}

#[test]
fn a_document_of_a_known_kind_has_the_same_end() {
    let actor = Actor::derive(&KEY, 0);
    let entry = log_entry(actor, 1, SITI, &["a", "b"]);
    let [first, second] = <[Change; 2]>::try_from(entry).unwrap();
    let candidate = |change: &Change| Candidate {
        place: Place { device: bearer().device, number: 1, index: 0 },
        key: key_of(change),
        bytes: change.bytes.clone(),
        saved: STAMP,
        generation: 0,
        actor,
        author: bearer().author,
        home: String::new(),
        arrived: NOW,
        needed: None,
    };
    let kept = KeptDocument { changes: vec![judged(first.bytes.clone())], ..KeptDocument::default() };
    let mut standing = Standing::of(key_of(&first), kept, &guard());
    assert_eq!(standing.bytes, first.bytes.len());
    standing.bytes = DOCUMENT_BYTES_MAX - second.bytes.len();
    assert!(matches!(standing.rule(&candidate(&second), &NoWatch), Ruling::Accepted(_)));
    standing.bytes += 1;
    assert!(matches!(standing.rule(&candidate(&second), &NoWatch), Ruling::Refused(code) if code == "too_large"));
    // What is here already stays accepted, however full the document is.
    assert!(matches!(standing.rule(&candidate(&first), &NoWatch), Ruling::Known));
}

#[test]
fn what_waits_has_an_end_in_bytes() {
    let orphan = log_entry(Actor::derive(&KEY, 0), 1, SITI, &["a", "b"]).remove(1);
    for (more, needs) in [(0, true), (1, false)] {
        let size = WAITING_BYTES_MAX - orphan.bytes.len() + more;
        let kept = KeptDocument { waiting: vec![waiting(&orphan, size)], ..KeptDocument::default() };
        let judgement = judge(kept, vec![orphan.clone()]);
        assert_eq!(judgement.waiting.len(), usize::from(needs));
        let told = outcomes(judgement);
        assert!(
            matches!(&told[..], [Some(Outcome::Need(_))]) == needs && (needs || told == [refused("dep_not_accepted")]),
            "{told:?}"
        );
    }
}

#[test]
fn the_same_bytes_wait_once() {
    let orphan = log_entry(Actor::derive(&KEY, 0), 1, SITI, &["a", "b"]).remove(1);
    let judgement = judge(KeptDocument::default(), vec![orphan.clone(), orphan.clone()]);
    assert_eq!((judgement.waiting.len(), judgement.documents.len()), (1, 1));
    assert!(matches!(&outcomes(judgement)[..], [Some(Outcome::Need(_)), Some(Outcome::Need(_))]));
    let mut kept = waiting(&orphan, 0);
    kept.change.bytes.clone_from(&orphan.bytes);
    let judgement = judge(KeptDocument { waiting: vec![kept], ..KeptDocument::default() }, vec![orphan]);
    assert_eq!((judgement.waiting.len(), judgement.documents.len()), (0, 0));
}
