//! What devices are given of streams.

use lentera_document::{Actor, guard};

use super::*;
use crate::service::testing::umkm_on;

pub async fn run<S: Storage>(storage: &S) {
    gives_rows_behind_a_cursor(storage).await;
    gives_the_newest_first(storage).await;
    gives_an_author_elsewhere_what_they_built_on(storage).await;
    takes_documents_along_when_a_person_moves(storage).await;
}

async fn gives_rows_behind_a_cursor<S: Storage>(storage: &S) {
    assert_eq!(storage.news(query(77)).await.unwrap(), None);
    let whole = news(storage, query(11)).await;
    assert_eq!((whole.scope_epoch, whole.more, whole.rows()), (1, false, 11));
    let origin = |author| lentera_protocol::stream::Origin { author, saved: SAVED, arrived: T0.millis() };
    let first = Row::Change { kind: 900, id: [3; 16], bytes: vec![1; 40], origin: Some(origin(nip(1).to_string())) };
    let Page { rows, cursor } = &whole.pages[0];
    assert_eq!((&rows[0], rows.len(), cursor.position, cursor.below), (&first, 5, 5, None));
    assert_eq!(cursor.hash, rows.iter().fold([0; 8], |hash, row| row.chained_hash(&hash)));
    // Row by row, each once, whatever the budget in bytes.
    let mut cursors: Vec<Cursor> = Vec::new();
    let mut taken = Vec::new();
    for bytes in [1, 1000].into_iter().cycle() {
        let next = news(storage, NewsQuery { cursors: cursors.clone(), rows: 1, bytes, ..query(11) }).await;
        for page in next.pages {
            cursors.retain(|cursor| cursor.stream != page.cursor.stream);
            cursors.push(page.cursor);
            taken.extend(page.rows);
        }
        if !next.more {
            break;
        }
    }
    assert_eq!(taken, all(whole.clone()));
    let nothing = news(storage, NewsQuery { cursors, ..query(11) }).await;
    assert_eq!((nothing.pages, nothing.more), (vec![], false));
    // What came from the device itself is passed over, and the cursor with it.
    let own = news(storage, query(1)).await;
    assert_eq!((own.pages[0].rows.len(), own.pages[0].cursor), (1, *cursor));
    // A cursor that stands on no row of this history starts over.
    for wrong in
        [Cursor { hash: [7; 8], ..*cursor }, Cursor { position: 77, ..*cursor }, Cursor { position: u64::MAX, ..*cursor }]
    {
        assert_eq!(news(storage, NewsQuery { cursors: vec![wrong], ..query(11) }).await, whole);
    }
}

async fn gives_the_newest_first<S: Storage>(storage: &S) {
    // Two more documents, and then the first again.
    let key = |byte| DocumentKey { kind: 900, id: [byte; 16] };
    let add = |number, byte, key, version| Commit {
        documents: vec![document(key, version, &person_stream(1))],
        changes: vec![change(key, byte, 1, 1, number)],
        ..empty(1, number)
    };
    for commit in [add(5, 60, key(60), 0), add(6, 70, key(70), 0), add(7, 61, key(60), 1)] {
        assert_eq!(storage.commit_bundle(commit).await.unwrap(), Committed::Done);
    }
    let bytes_of = |rows: &[Row]| -> Vec<u8> {
        rows.iter().filter_map(|row| if let Row::Change { bytes, .. } = row { Some(bytes[0]) } else { None }).collect()
    };
    let newest = |cursors: &[Cursor], rows| NewsQuery { cursors: cursors.to_vec(), rows, newest_first: true, ..query(11) };
    let mut at = news(storage, newest(&[], 1)).await;
    // What every screen needs comes at once, however little is asked for: rules and the people of the unit.
    let needed = at.pages.iter().find(|page| matches!(page.rows.first(), Some(Row::Record(_)))).unwrap();
    let needed: Vec<_> = needed.rows.iter().map(|row| if let Row::Record(json) = row { json.as_str() } else { "" }).collect();
    assert!(needed.len() == 2 && needed[0].contains("390") && needed[1].contains(nip(1).as_str()), "{needed:?}");
    assert!(at.pages.iter().all(|page| page.cursor.below.is_some()) && at.more);
    let (mut cursors, mut pages) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        for page in at.pages {
            cursors.retain(|cursor: &Cursor| cursor.stream != page.cursor.stream);
            cursors.push(page.cursor);
            pages.push(bytes_of(&page.rows));
        }
        if !at.more {
            break;
        }
        at = news(storage, newest(&cursors, 1)).await;
        // Meanwhile the work goes on.
        if storage.device(device(1)).await.unwrap().unwrap().last.0 == 7 {
            assert_eq!(storage.commit_bundle(add(8, 71, key(70), 1)).await.unwrap(), Committed::Done);
        }
    }
    // Each document whole, by where it first appeared; what came meanwhile last.
    assert_eq!(pages.concat(), [70, 60, 61, 1, 2, 3, 4, 51, 71]);
    assert!(cursors.iter().all(|cursor| cursor.below.is_none()));
    let oldest_first = all(news(storage, query(11)).await);
    assert_eq!(bytes_of(&oldest_first), [1, 2, 3, 4, 51, 60, 70, 61, 71]);
    // Of a record the newest only: rules were set twice, a person changed once.
    let records = all(news(storage, newest(&[], 1000)).await).into_iter().filter(|row| matches!(row, Row::Record(_)));
    assert_eq!(records.count(), 2 + 4);
}

async fn takes_documents_along_when_a_person_moves<S: Storage>(storage: &S) {
    let key = DocumentKey { kind: 900, id: [80; 16] };
    let add = |seed, number, byte, author, version| Commit {
        documents: vec![document(key, version, "unit:A")],
        changes: vec![change(key, byte, seed, author, number)],
        ..empty(seed, number)
    };
    // Of unit A, also written to by a person of unit B.
    assert_eq!(storage.commit_bundle(add(1, 11, 80, 1, 0)).await.unwrap(), Committed::Done);
    assert_eq!(storage.commit_bundle(add(13, 1, 81, 2, 1)).await.unwrap(), Committed::Done);
    let before = changes_for(storage, 11).await;
    let moved = vec![employee(1, "C")];
    assert_eq!(storage.import_staff(moved.clone()).await.unwrap(), Imported { changed: 1, ..Imported::default() });
    assert_eq!(changes_for(storage, 11).await, before);
    assert_eq!(storage.import_staff(moved).await.unwrap(), Imported { same: 1, ..Imported::default() });
    assert_eq!(news(storage, query(11)).await.scope_epoch, 2);
    // What others add to it now is theirs; what the person adds is the person's too.
    assert_eq!(storage.commit_bundle(add(13, 2, 82, 2, 2)).await.unwrap(), Committed::Done);
    assert_eq!(storage.commit_bundle(add(1, 12, 83, 1, 3)).await.unwrap(), Committed::Done);
    assert_eq!(changes_for(storage, 11).await, [before, vec![83]].concat());
    storage.enrol_device(Enrolment { nip: nip(2), key: [16; 32], at: T0, new_password: None }).await.unwrap();
    assert_eq!(changes_for(storage, 16).await, [81, 82]);
    let none = lentera_domain::UmkmId(uuid::Uuid::from_u128(1));
    assert_eq!(storage.move_enterprise(none, "A".into()).await.unwrap(), Moved::NoEnterprise);
}

async fn gives_an_author_elsewhere_what_they_built_on<S: Storage>(storage: &S) {
    let key = DocumentKey { kind: 2, id: uuid::Uuid::from_u128(7).into_bytes() };
    let write = |seed: u8, built_on: &[&[u8]], name: &str| umkm_on(built_on, Actor::derive(&[seed; 32], 0), 7, name).bytes;
    // Of unit A, written by its own person and by one of unit B.
    let hers = write(1, &[], "a");
    let blind = write(14, &[], "b");
    let hers_on_it = write(1, &[&hers], "c");
    let on_hers = write(14, &[&blind, &hers], "d");
    let on_all = write(14, &[&blind, &hers, &hers_on_it, &on_hers], "e");
    let sent = [(1, 1, 9, &hers), (14, 3, 2, &blind), (1, 1, 10, &hers_on_it), (14, 3, 3, &on_hers), (14, 3, 4, &on_all)];
    let mut given = Vec::new();
    for (version, (seed, author, number, bytes)) in (0..).zip(sent) {
        let hash = guard::change_hash(bytes).unwrap();
        let changes = vec![AcceptedChange { hash, bytes: bytes.clone(), ..change(key, 0, seed, author, number) }];
        let commit = Commit { documents: vec![document(key, version, "unit:A")], changes, ..empty(seed, number) };
        assert_eq!(storage.commit_bundle(commit).await.unwrap(), Committed::Done);
        let rows = all(news(storage, query(15)).await);
        let of_it = rows.into_iter().filter_map(|row| match row {
            Row::Change { kind: 2, bytes, .. } => Some(bytes),
            _ => None,
        });
        given.push(of_it.collect::<Vec<_>>());
    }
    let expected: [&[&Vec<u8>]; 5] =
        [&[], &[&blind], &[&blind], &[&blind, &hers, &on_hers], &[&blind, &hers, &on_hers, &hers_on_it, &on_all]];
    for (given, expected) in given.iter().zip(expected) {
        assert_eq!(given.iter().collect::<Vec<_>>(), expected);
    }
}
