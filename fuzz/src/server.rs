//! What the operator gives the server.

// The one module, and not the crate with all that a server needs: this compiles in seconds.
#[path = "../../crates/server/src/service/csv_table.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "most of it is used only there")]
mod csv_table;

/// Stands for the server's own.
#[derive(Debug, thiserror::Error)]
#[error("failure")]
pub struct Failure;

/// A table as an office program may have written it.
pub fn csv(bytes: &[u8]) {
    let columns = ["nip", "nama", "jabatan"];
    let Ok(table) = csv_table::Table::read(bytes, &columns) else { return };
    for row in table.rows() {
        assert!(columns.iter().any(|column| !row.get(column).is_empty()), "an empty row");
        let told = row.error("nip", "salah").to_string();
        assert!(!told.starts_with("Baris 0,") && !told.starts_with("Baris 1,"), "{told}");
    }
}
