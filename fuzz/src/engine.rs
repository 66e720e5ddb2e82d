//! What a device reads of its own damaged database.

// The one module, and not the crate with all that an engine needs: this compiles in seconds.
#[path = "../../crates/engine/src/store/rescue/pages.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "most of it is used only there")]
mod pages;

/// Bytes of a page.
const PAGE: usize = 4096;
/// Bytes that all rows of so few pages can be, whatever stands there.
const ROWS_MAX: usize = 32 * 1024 * 1024;

/// Two pages and a journal with two more, all of rows and of what hangs on them.
pub fn database_pages(bytes: &[u8]) {
    let quarter = bytes.len().div_ceil(4).max(1);
    let pages: Vec<_> = bytes.chunks(quarter).map(as_page).collect();
    let (file, newer) = pages.split_at(pages.len() / 2);
    let mut journal = vec![0; 32];
    for (number, page) in (1_u32..).zip(newer) {
        journal.extend([number.to_be_bytes(), 1_u32.to_be_bytes(), [0; 4], [0; 4], [0; 4], [0; 4]].concat());
        journal.extend(page);
    }
    for journal in [&[], journal.as_slice()] {
        let rows = pages::Pages::new(&file.concat(), journal).rows();
        let size: usize = rows.iter().flat_map(|(_, values)| values).map(size_of).sum();
        assert!(size < ROWS_MAX, "{size} bytes");
    }
}

/// A page that says it holds rows. The first of a file has its header before them.
fn as_page(bytes: &[u8]) -> Vec<u8> {
    let mut page = vec![0x0d];
    page.extend(bytes.iter().take(PAGE - 1));
    page.resize(PAGE, 0);
    if let Some(first) = page.get_mut(100) {
        *first = 0x0d;
    }
    page
}

fn size_of(value: &rusqlite::types::Value) -> usize {
    use rusqlite::types::Value;
    match value {
        Value::Text(text) => text.len(),
        Value::Blob(blob) => blob.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) => 8,
    }
}
