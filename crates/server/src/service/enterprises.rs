//! Which unit looks after an enterprise.

use lentera_domain::{Text, UmkmId};

use super::{Failure, Service};
use crate::storage::{Moved, Storage};

/// Characters of a unit's name, as `domain::server_record::Employee` has it.
const UNIT_MAX: usize = lentera_domain::umkm::NAME_MAX;

impl<S: Storage> Service<S> {
    /// Makes an enterprise another unit's, with its owner's data and its visits.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn move_umkm(&self, id: UmkmId, unit: Text<UNIT_MAX>) -> Result<Moved, Failure> {
        Ok(self.storage.move_enterprise(id, unit.to_string()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AHMAD, LAILA, Office, SITI, TestDevice, change, log_entry, umkm, write_on};
    use super::*;
    use lentera_document::{Actor, Document, Fields, fields_of};
    use lentera_domain::umkm::UmkmForm;
    use lentera_domain::visit::VisitForm;
    use lentera_domain::{Kind, Nip, RecordId, VisitId};
    use lentera_protocol::bundle::Change;
    use lentera_protocol::stream::Row;
    use uuid::Uuid;

    #[tokio::test]
    async fn an_enterprise_goes_to_another_unit_with_all_that_belongs_to_it() {
        let office = Office::open().await;
        let mut siti = TestDevice::enrol(&office, SITI, 2).await;
        let mut all = [umkm(siti.actor(), 7, &["Dapur", "Dapur Melati"]), umkm(siti.actor(), 8, &["Toko"])].concat();
        let visit = VisitId(Uuid::from_u128(9)).record();
        let form = VisitForm {
            umkm: Uuid::from_u128(7).to_string(),
            day: "2026-11-23".into(),
            start: "8".into(),
            end: "9".into(),
            purposes: "pembinaan".into(),
            ..VisitForm::default()
        };
        let fields = fields_of(&form.parse(Nip::parse(SITI).unwrap(), super::super::testing::NOW).unwrap()).unwrap();
        let mut document = Document::new(visit).unwrap();
        let written = document.write(siti.actor(), super::super::testing::NOW, &Fields::default(), &fields).unwrap().unwrap();
        all.push(change(visit, written.bytes.clone()));
        all.extend(log_entry(siti.actor(), 1, SITI, &["a"]));
        assert_eq!(office.receipt(&siti.seal(&all)).await.exceptions, []);
        // Her colleague, and her superior: he is sent her log, too.
        let ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
        let mut laila = TestDevice::enrol(&office, LAILA, 4).await;
        assert_eq!((office.changes_for(&ahmad).await.len(), office.changes_for(&laila).await.len()), (5, 0));
        let (id, other) = (UmkmId(Uuid::from_u128(7)), UmkmId(Uuid::from_u128(70)));
        let unit = |name: &str| Text::parse("unit", name).unwrap();
        for (id, unit, moved) in [
            (id, unit("Bidang Perindustrian"), Moved::Same),
            (id, unit("Bidang Pertanian"), Moved::NoUnit),
            (other, unit("Bidang Perdagangan"), Moved::NoEnterprise),
            (id, unit("Bidang Perdagangan"), Moved::Done(2)),
            (id, unit("Bidang Perdagangan"), Moved::Same),
        ] {
            assert_eq!(office.service.move_umkm(id, unit).await.unwrap(), moved);
        }
        let given = office.changes_for(&laila).await;
        assert_eq!(given, [&all[0].bytes, &all[1].bytes, &written.bytes].map(Clone::clone));
        assert_eq!(office.count("umkm WHERE unit = 'Bidang Perdagangan'"), 1);
        // The new unit's edits are its own; the old unit's people who write to it see their own on all their devices.
        let mut theirs = Document::load(id.record(), [given[0].as_slice(), given[1].as_slice()]).unwrap();
        let rewritten = theirs.rewrite(laila.actor(), super::super::testing::NOW, &theirs.heads(), &given[0]).unwrap().unwrap();
        assert_eq!(office.receipt(&laila.seal(&[change(id.record(), rewritten.bytes)])).await.exceptions, []);
        assert_eq!(office.changes_for(&ahmad).await.len(), 5);
        let mut hers = Document::load(id.record(), [given[0].as_slice(), given[1].as_slice()]).unwrap();
        let rewritten = hers.rewrite(siti.actor(), super::super::testing::NOW, &hers.heads(), &given[0]).unwrap().unwrap();
        assert_eq!(office.receipt(&siti.seal(&[change(id.record(), rewritten.bytes.clone())])).await.exceptions, []);
        assert!(office.changes_for(&TestDevice::enrol(&office, SITI, 5).await).await.contains(&rewritten.bytes));
        assert!(office.changes_for(&TestDevice::enrol(&office, LAILA, 6).await).await.contains(&rewritten.bytes));
        assert!(!office.changes_for(&ahmad).await.contains(&rewritten.bytes));
    }

    /// What is protected about an owner, set by somebody who knows only the changes `built_on`.
    fn owner(built_on: &[&[u8]], actor: Actor, phone: &str) -> Change {
        let form = UmkmForm {
            name: "Dapur".into(),
            owner_name: "Aluh Contoh".into(),
            village: "63.11.01.2001".into(),
            phone: phone.into(),
            ..UmkmForm::default()
        };
        let record = RecordId { kind: Kind::UmkmOwner, id: Uuid::from_u128(7) };
        write_on(built_on, actor, record, &fields_of(&form.parse(super::super::testing::NOW).unwrap().1).unwrap())
    }

    #[tokio::test]
    async fn who_writes_into_another_units_document_is_given_nothing_that_others_wrote() {
        let office = Office::open().await;
        let mut siti = TestDevice::enrol(&office, SITI, 2).await;
        let first = owner(&[], siti.actor(), "0811");
        let second = owner(&[&first.bytes], siti.actor(), "0812");
        assert_eq!(office.receipt(&siti.seal(&[first.clone(), second.clone()])).await.exceptions, []);
        let mut laila = TestDevice::enrol(&office, LAILA, 4).await;
        let blind = owner(&[], laila.actor(), "0899");
        assert_eq!(office.receipt(&laila.seal(std::slice::from_ref(&blind))).await.exceptions, []);
        // Her other device, and one that begins with what is newest.
        let phone = TestDevice::enrol(&office, LAILA, 5).await;
        assert_eq!(office.changes_for(&phone).await, std::slice::from_ref(&blind.bytes));
        let pages = lentera_protocol::stream::unpack(&office.answer(&phone, None).await.pages).unwrap();
        let rows: Vec<_> = pages.into_iter().flat_map(|page| page.rows).collect();
        assert!(rows.iter().any(|row| matches!(row, Row::Change { bytes, .. } if *bytes == blind.bytes)));
        assert!(
            !rows.iter().any(|row| matches!(row, Row::Change { bytes, .. } if [&first.bytes, &second.bytes].contains(&bytes)))
        );
        // What she builds on she has seen; what came beside it she has not.
        let seen = owner(&[&blind.bytes, &first.bytes], laila.actor(), "0898");
        assert_eq!(office.receipt(&laila.seal(std::slice::from_ref(&seen))).await.exceptions, []);
        assert_eq!(office.changes_for(&phone).await, [&blind, &first, &seen].map(|change| change.bytes.clone()));
        // The unit is given all of it.
        assert_eq!(office.changes_for(&TestDevice::enrol(&office, AHMAD, 6).await).await.len(), 4);
    }
}
