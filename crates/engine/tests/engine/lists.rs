//! Lists come in pages, and no command makes one longer than its limit.

use lentera_protocol::stream::{Cursor, Page, Row};
use serde_json::{Value, json};

use crate::world::Phone;

/// Rows of one page at most, as the commands say.
const PAGE_MAX: usize = 500;
/// Villages in one answer at most, likewise.
const VILLAGES_MAX: usize = 200;

fn length(rows: &Value) -> usize {
    rows.as_array().unwrap().len()
}

#[test]
fn a_page_has_as_many_rows_as_asked_for_up_to_its_limit() {
    let phone = Phone::enrolled();
    phone.add("Rapat");
    phone.call("register_umkm", json!({"form": {"name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001"}}));
    let database = rusqlite::Connection::open(phone.database()).unwrap();
    for (list, table, columns) in [
        ("list_log_entries", "log_entry", "owner, date(day, -n || ' days'), start, words, body"),
        ("list_umkm", "umkm", "name, words, body"),
    ] {
        // Copies of the only row, until there is one more than a page takes.
        let copy = format!(
            "WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < {PAGE_MAX})
            INSERT INTO {table} SELECT CAST(printf('%016d', n) AS BLOB), {columns} FROM {table}, copy"
        );
        database.execute(&copy, []).unwrap();
        let page = |offset: usize, limit: usize| phone.call(list, json!({"offset": offset, "limit": limit}));
        assert_eq!(page(0, PAGE_MAX)["total"], PAGE_MAX + 1, "{list}");
        for (limit, rows) in [(0, 0), (PAGE_MAX - 1, PAGE_MAX - 1), (PAGE_MAX, PAGE_MAX), (PAGE_MAX + 1, PAGE_MAX)] {
            assert_eq!(length(&page(0, limit)["rows"]), rows, "{list}");
        }
        assert_eq!(length(&page(PAGE_MAX, PAGE_MAX)["rows"]), 1, "{list}");
    }
}

#[test]
fn villages_are_listed_up_to_their_number() {
    let phone = Phone::enrolled();
    let village = |n: usize| {
        let region = json!({"kind": "region", "code": format!("63.11.01.{}", 2001 + n), "name": format!("Desa {n}")});
        Row::Record(region.to_string())
    };
    let villages = |rows: Vec<Row>, position: usize| {
        let cursor = Cursor { stream: 1, position: position as u64, hash: [1; 8], below: None };
        phone.world.office().pages = vec![Page { rows, cursor }];
        phone.sync();
        length(&phone.call("list_villages", json!({})))
    };
    assert_eq!(villages((1..VILLAGES_MAX).map(village).collect(), 1), VILLAGES_MAX - 1);
    assert_eq!(villages(vec![village(0)], 2), VILLAGES_MAX);
    assert_eq!(villages(vec![village(VILLAGES_MAX)], 3), VILLAGES_MAX);
    let last = json!({"search": format!("63.11.01.{}", 2001 + VILLAGES_MAX)});
    assert_eq!(length(&phone.call("list_villages", last)), 1, "it can be found");
}
