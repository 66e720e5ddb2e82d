//! Regions, from the table of Kemendagri. All of it or nothing.

use std::collections::BTreeSet;

use lentera_domain::server_record::Region;
use lentera_domain::{Text, WilayahCode};

use super::csv_table::{Row, RowError, Table};
use super::{ImportError, Service};
use crate::storage::{Imported, Storage};

const COLUMNS: [&str; 3] = ["code", "parent_code", "name"];

impl<S: Storage> Service<S> {
    /// Imports regions from CSV.
    ///
    /// # Errors
    /// [`ImportError::Rows`] with what is wrong, line by line; nothing was imported.
    pub async fn import_wilayah(&self, csv: &[u8]) -> Result<Imported, ImportError> {
        let table = Table::read(csv, &COLUMNS).map_err(|error| ImportError::Rows(vec![error]))?;
        let mut errors = Vec::new();
        let mut regions = Vec::new();
        let mut seen = BTreeSet::new();
        for row in table.rows() {
            let Some(region) = read_region(row, &mut errors) else { continue };
            if seen.insert(region.code.clone()) {
                regions.push(region);
            } else {
                errors.push(row.error("code", format!("{} ada dua kali", region.code)));
            }
        }
        if errors.is_empty() {
            Ok(self.storage.import_regions(regions).await.map_err(super::Failure::from)?)
        } else {
            Err(ImportError::Rows(errors))
        }
    }
}

fn read_region(row: Row<'_>, errors: &mut Vec<RowError>) -> Option<Region> {
    let code = row.parse("code", WilayahCode::parse(row.get("code")), errors);
    let name = row.parse("name", Text::parse("name", row.get("name")), errors);
    let code = code?;
    let parent = code.parent().map_or_else(String::new, |parent| parent.to_string());
    if row.get("parent_code") != parent {
        errors.push(row.error("parent_code", format!("{} bukan induk dari {code}", row.get("parent_code"))));
        return None;
    }
    Some(Region { code, name: name? })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Office;
    use super::*;

    #[tokio::test]
    async fn takes_regions_once_and_refuses_doubles_and_wrong_parents() {
        let office = Office::open().await;
        let good = "code,parent_code,name\n63,,KALIMANTAN SELATAN\n63.11,63,KABUPATEN BALANGAN\n";
        let import = async |csv: String| office.service.import_wilayah(csv.as_bytes()).await;
        assert_eq!(import(good.to_owned()).await.unwrap(), Imported { new: 2, ..Imported::default() });
        assert_eq!(import(good.replace("KABUPATEN", "Kab.")).await.unwrap(), Imported { changed: 1, same: 1, new: 0 });
        for (row, told) in [
            ("63,,LAGI", "Baris 4, code: 63 ada dua kali."),
            ("63.11.01,63,Juai", "Baris 4, parent_code: 63 bukan induk dari 63.11.01."),
            ("6312,63,X", "Baris 4, code: 6312 tidak dikenal."),
            ("63.12,63,", "Baris 4, name: belum diisi."),
        ] {
            let error = import(format!("{good}{row}\n")).await.unwrap_err();
            assert_eq!(error.to_string(), format!("{told} Tidak ada yang diimpor."));
        }
        assert_eq!(office.count("region"), 2);
    }
}
