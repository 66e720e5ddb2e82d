//! Members of staff, from the personnel office's table. All of it or nothing.

use std::collections::BTreeSet;

use lentera_domain::server_record::Employee;
use lentera_domain::{Nip, Text};

use super::csv_table::{Row, RowError, Table};
use super::{ImportError, Service};
use crate::storage::{Imported, Storage};

const COLUMNS: [&str; 5] = ["nip", "nama", "jabatan", "unit", "atasan_nip"];

impl<S: Storage> Service<S> {
    /// Imports people from CSV. Who is here already keeps password, devices and work.
    ///
    /// # Errors
    /// [`ImportError::Rows`] with what is wrong, line by line; nothing was imported.
    pub async fn import_staff(&self, csv: &[u8]) -> Result<Imported, ImportError> {
        let table = Table::read(csv, &COLUMNS).map_err(|error| ImportError::Rows(vec![error]))?;
        let mut errors = Vec::new();
        let mut people = Vec::new();
        for row in table.rows() {
            if let Some(employee) = read_employee(row, &mut errors) {
                people.push((row, employee));
            }
        }
        let mut seen = BTreeSet::new();
        for (row, employee) in &people {
            if !seen.insert(employee.nip.clone()) {
                errors.push(row.error("nip", format!("{} ada dua kali", employee.nip)));
            }
        }
        let elsewhere = people.iter().filter_map(|(_, employee)| employee.superior.clone()).filter(|nip| !seen.contains(nip));
        let known = self.storage.known_people(elsewhere.collect()).await.map_err(super::Failure::from)?;
        for (row, employee) in &people {
            match &employee.superior {
                Some(superior) if *superior == employee.nip => {
                    errors.push(row.error("atasan_nip", "atasan tidak boleh diri sendiri"))
                }
                Some(superior) if !seen.contains(superior) && !known.contains(superior) => {
                    errors.push(row.error("atasan_nip", format!("{superior} tidak ada di daftar pegawai")));
                }
                _ => {}
            }
        }
        if !errors.is_empty() {
            errors.sort_by_key(|error| error.line);
            return Err(ImportError::Rows(errors));
        }
        let people = people.into_iter().map(|(_, employee)| employee).collect();
        Ok(self.storage.import_staff(people).await.map_err(super::Failure::from)?)
    }
}

fn read_employee(row: Row<'_>, errors: &mut Vec<RowError>) -> Option<Employee> {
    let nip = row.parse("nip", Nip::parse(row.get("nip")), errors);
    let name = row.parse("nama", Text::parse("nama", row.get("nama")), errors);
    let position = row.parse("jabatan", Text::parse("jabatan", row.get("jabatan")), errors);
    let unit = row.parse("unit", Text::parse("unit", row.get("unit")), errors);
    let superior = match row.get("atasan_nip") {
        "" => Some(None),
        superior => row.parse("atasan_nip", Nip::parse(superior).map(Some), errors),
    };
    Some(Employee { nip: nip?, name: name?, position: position?, unit: unit?, superior: superior? })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Office, SITI};
    use super::*;

    const HEAD: &str = "nip,nama,jabatan,unit,atasan_nip\n";
    const BUDI: &str = "198501012010011001,Budi Contoh,Analis,Sekretariat,\n";

    async fn refused(office: &Office, csv: &[u8]) -> String {
        let before = office.count("person");
        let told = office.service.import_staff(csv).await.unwrap_err().to_string();
        assert_eq!(office.count("person"), before, "{told}");
        told
    }

    #[tokio::test]
    async fn takes_tables_as_office_programs_write_them() {
        let one = Imported { new: 1, ..Imported::default() };
        let with_semicolons = format!("{HEAD}{BUDI}").replace(',', ";");
        let reordered = "unit,nama,nip,jabatan,atasan_nip\nSekretariat,\"Budi, S.T.\",198501012010011001,Analis,\n\n";
        for csv in [
            format!("{HEAD}{BUDI}"),
            format!("\u{feff}{HEAD}{BUDI}"),
            format!("{HEAD}{BUDI}").replace('\n', "\r\n"),
            format!("\u{feff}{with_semicolons}").replace('\n', "\r\n"),
            reordered.to_owned(),
            format!("{HEAD}{BUDI}").to_uppercase(),
        ] {
            assert_eq!(Office::open().await.service.import_staff(csv.as_bytes()).await.unwrap(), one, "{csv}");
        }
    }

    #[tokio::test]
    async fn says_line_column_and_reason_and_imports_nothing() {
        let office = Office::open().await;
        let with = |row: &str| format!("{HEAD}{BUDI}{row}\n").into_bytes();
        for (csv, told) in [
            (with("197213151998032000,A,B,C,"), "Baris 3, nip: salah di tanggal lahir: 19721315."),
            (with("1.97203E+17,A,B,C,"), "Baris 3, nip: angka rusak oleh lembar kerja. Jadikan kolom ini teks lalu isi lagi."),
            (with("198501012010011001,A,B,C,"), "Baris 3, nip: 198501012010011001 ada dua kali."),
            (with("198602022011012002,A,B,C,198602022011012002"), "Baris 3, atasan_nip: atasan tidak boleh diri sendiri."),
            (
                with("198602022011012002,A,B,C,198703032012011003"),
                "Baris 3, atasan_nip: 198703032012011003 tidak ada di daftar pegawai.",
            ),
            (with("198602022011012002,,B,C,"), "Baris 3, nama: belum diisi."),
            (with("198602022011012002,A,B"), "Baris 3, berkas: ada 3 nilai, seharusnya 5."),
            (
                b"nip,nama,jabatan,unit\n".to_vec(),
                "Baris 1, atasan_nip: kolom tidak ada. Kolom: nip, nama, jabatan, unit, atasan_nip.",
            ),
            (b"nip,nama,gaji\n".to_vec(), "Baris 1, gaji: kolom tidak dikenal. Kolom: nip, nama, jabatan, unit, atasan_nip."),
            (b"nip,nip,nama\n".to_vec(), "Baris 1, nip: kolom ada dua kali. Kolom: nip, nama, jabatan, unit, atasan_nip."),
            (
                with("198602022011012002,Andr\u{e9},B,C,").iter().copied().filter(|byte| *byte != 0xc3).collect(),
                "Baris 3, berkas: bukan UTF-8. Simpan sebagai CSV UTF-8.",
            ),
            (b"\xff\xfen\0i\0p\0".to_vec(), "Baris 1, berkas: bukan UTF-8. Simpan sebagai CSV UTF-8."),
            (Vec::new(), "Baris 1, berkas: kosong."),
        ] {
            assert_eq!(refused(&office, &csv).await, format!("{told} Tidak ada yang diimpor."));
        }
    }

    #[tokio::test]
    async fn lists_the_first_twenty_errors() {
        let office = Office::open().await;
        let rows: String = (0..25).map(|_| "x,A,B,C,\n").collect();
        let told = refused(&office, format!("{HEAD}{rows}").as_bytes()).await;
        assert_eq!(told.lines().count(), 21);
        assert!(told.starts_with("Baris 2, nip: \"x\" di tempat ke-1 bukan angka.\nBaris 3"), "{told}");
        assert!(told.ends_with("Masih ada 5 kesalahan lain. Tidak ada yang diimpor."), "{told}");
    }

    #[tokio::test]
    async fn again_changes_only_what_differs_and_keeps_passwords() {
        let office = Office::open().await;
        let nip = Nip::parse(SITI).unwrap();
        assert!(office.storage.set_password(nip.clone(), Default::default(), "kept".into()).await.unwrap());
        let csv = format!(
            "{HEAD}{SITI},Siti Contoh,Penyuluh,Sekretariat,198001012006041000\n198001012006041000,Ahmad Contoh,Kepala Bidang,Bidang Perindustrian,\n{BUDI}"
        );
        let rows = office.count("stream_row");
        let imported = office.service.import_staff(csv.as_bytes()).await.unwrap();
        assert_eq!(imported, Imported { new: 1, changed: 1, same: 1 });
        assert_eq!(office.count("stream_row"), rows + 2);
        let siti = office.storage.person(nip).await.unwrap().unwrap();
        assert_eq!((siti.secrets.password.as_deref(), siti.scope_epoch), (Some("kept"), 2));
        assert_eq!(office.service.import_staff(csv.as_bytes()).await.unwrap().same, 3);
        assert_eq!(office.count("stream_row"), rows + 2);
    }
}
