//! Two and three officers with devices of their own and one enterprise: what they change apart merges, and what contradicts is shown to them
//! and settled by one.

use anyhow::{Context, Result, bail, ensure};
use lentera_api::view::{Conflict, ConflictValue, UmkmDetailView};
use lentera_api::{
    EditLogEntry, EditUmkm, Error, Home, Language, ListConflicts, ListLogEntries, LogEntryDetail, RegisterUmkm, SettleConflict,
    Status, TeamDay, UmkmDetail, What, evidence_sentence,
};
use lentera_domain::UmkmId;
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_tests::story::{COLLEAGUE, NIP, OFFICE, SUPERIOR, THIRD, VILLAGE, newcomer, note};
use lentera_tests::{Device, Office};
use tempfile::TempDir;

const SITI: &str = "Siti Rahmah Contoh";
const DIYANG: &str = "Diyang Sasirangan Contoh";
const AMAT: &str = "Amat Lanting Contoh";

/// An office, three officers of one unit, and an enterprise that all of them have.
struct Scene {
    _folder: TempDir,
    office: Office,
    siti: Device,
    diyang: Device,
    amat: Device,
    umkm: UmkmId,
}

fn scene() -> Result<Scene> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let [siti, diyang, amat] = [NIP, COLLEAGUE, THIRD].map(|nip| newcomer(&office, folder.path(), nip));
    let (siti, diyang, amat) = (siti?, diyang?, amat?);
    let form = UmkmForm {
        name: "Dapur Kasturi".into(),
        owner_name: "Aluh Kasturi Contoh".into(),
        village: VILLAGE.into(),
        address: "RT 01".into(),
        product: "kue kering".into(),
        ..UmkmForm::default()
    };
    let umkm = siti.call(RegisterUmkm { form })?.id;
    for device in [&siti, &diyang, &amat] {
        device.sync()?;
    }
    Ok(Scene { _folder: folder, office, siti, diyang, amat, umkm })
}

impl Scene {
    fn shown(&self, device: &Device) -> Result<UmkmDetailView> {
        device.call(UmkmDetail { id: self.umkm })
    }

    fn edit(&self, device: &Device, change: impl Fn(&mut UmkmForm)) -> Result<()> {
        let opened = self.shown(device)?.form;
        let mut form = opened.clone();
        change(&mut form);
        device.call(EditUmkm { id: self.umkm, opened, form })?;
        Ok(())
    }

    fn addresses(&self) -> Result<[String; 3]> {
        let address = |device| self.shown(device).map(|view| view.form.address);
        Ok([address(&self.siti)?, address(&self.diyang)?, address(&self.amat)?])
    }

    /// Every device fetches what the others have sent.
    fn all_sync(&self) -> Result<()> {
        for device in [&self.siti, &self.diyang, &self.amat, &self.siti, &self.diyang] {
            device.sync()?;
        }
        Ok(())
    }
}

/// The one conflict of a device.
fn conflict(device: &Device) -> Result<Conflict> {
    let conflicts = device.call(ListConflicts {})?;
    let [one] = conflicts.as_slice() else { bail!("{} conflicts: {conflicts:?}", conflicts.len()) };
    Ok(one.clone())
}

fn value<'a>(conflict: &'a Conflict, text: &str) -> Result<&'a ConflictValue> {
    conflict.values.iter().find(|value| value.text == text).with_context(|| format!("no {text:?} in {conflict:?}"))
}

fn settle(device: &Device, conflict: &Conflict, text: &str) -> Result<()> {
    let choice = value(conflict, text)?.choice.clone();
    device.call(SettleConflict { record: conflict.record, field: conflict.field.clone(), choice })?;
    ensure!(device.call(ListConflicts {})?.is_empty(), "it is not settled");
    Ok(())
}

#[test]
fn what_two_officers_change_apart_merges_and_a_contradiction_is_settled_by_one() -> Result<()> {
    let mut scene = scene()?;
    scene.office.stop()?;
    scene.edit(&scene.siti, |form| {
        form.product = "kue kering dan rimpi".into();
        form.address = "RT 02".into();
    })?;
    scene.edit(&scene.diyang, |form| {
        form.legal_form = "perorangan".into();
        form.address = "RT 03".into();
    })?;
    // Of the address as it was before all this; sent only after the others have settled it.
    scene.edit(&scene.amat, |form| form.address = "RT 09".into())?;
    scene.office.start()?;
    for device in [&scene.siti, &scene.diyang, &scene.siti] {
        device.sync()?;
    }

    let (on_siti, on_diyang) = (scene.shown(&scene.siti)?, scene.shown(&scene.diyang)?);
    assert_eq!(on_siti.form, on_diyang.form);
    assert_eq!((on_siti.form.product.as_str(), on_siti.form.legal_form.as_str()), ("kue kering dan rimpi", "perorangan"));

    // Both see the same contradiction: both values, whose and when.
    let (seen, seen_by_diyang) = (conflict(&scene.siti)?, conflict(&scene.diyang)?);
    for (device, conflict, own) in [(&scene.siti, &seen, SITI), (&scene.diyang, &seen_by_diyang, DIYANG)] {
        assert_eq!((conflict.record.id, conflict.field.as_str()), (scene.umkm.0, "address"));
        ensure!(conflict.title.contains("Dapur Kasturi"), "{conflict:?}");
        for (text, author) in [("RT 02", SITI), ("RT 03", DIYANG)] {
            let value = value(conflict, text)?;
            assert_eq!((value.author.as_str(), value.own), (author, author == own), "{conflict:?}");
            ensure!(value.at.is_some(), "nobody knows when: {value:?}");
        }
        let shown: Vec<_> = conflict.values.iter().filter(|value| value.shown).map(|value| value.text.as_str()).collect();
        assert_eq!(shown, [on_siti.form.address.as_str()]);
        let view = scene.shown(device)?;
        assert_eq!((view.conflicts.len(), view.umkm.conflicts, device.call(Home {})?.conflicts), (1, 1, 1));
    }
    let order = |conflict: &Conflict| conflict.values.iter().map(|value| value.choice.clone()).collect::<Vec<_>>();
    assert_eq!(order(&seen), order(&seen_by_diyang));

    // One of them settles it, for both. She chooses what was not shown: that a choice was made must be seen.
    let hidden = seen.values.iter().find(|value| !value.shown).context("both are shown")?.text.clone();
    settle(&scene.siti, &seen, &hidden)?;
    scene.siti.sync()?;
    scene.diyang.sync()?;
    ensure!(scene.diyang.call(ListConflicts {})?.is_empty(), "the settlement did not come");
    assert_eq!(scene.shown(&scene.diyang)?.form.address, hidden);

    // The third opinion is not lost for having come late.
    scene.all_sync()?;
    for device in [&scene.siti, &scene.diyang, &scene.amat] {
        let conflict = conflict(device)?;
        assert_eq!(conflict.values.len(), 2, "{conflict:?}");
        assert_eq!(value(&conflict, "RT 09")?.author, AMAT);
        value(&conflict, &hidden)?;
    }
    settle(&scene.diyang, &conflict(&scene.diyang)?, "RT 09")?;
    scene.diyang.sync()?;
    scene.all_sync()?;
    assert_eq!(scene.addresses()?, ["RT 09", "RT 09", "RT 09"]);
    for device in [&scene.siti, &scene.diyang, &scene.amat] {
        ensure!(device.call(ListConflicts {})?.is_empty(), "{:?}", conflict(device));
    }
    Ok(())
}

#[test]
fn two_who_settle_alike_agree_and_two_who_settle_apart_are_asked_again() -> Result<()> {
    let mut scene = scene()?;
    for (turn, chosen) in [["RT 11", "RT 11"], ["RT 21", "RT 22"]].into_iter().enumerate() {
        let [ours, theirs] = [format!("RT {}1", turn + 1), format!("RT {}2", turn + 1)];
        scene.office.stop()?;
        scene.edit(&scene.siti, |form| form.address.clone_from(&ours))?;
        scene.edit(&scene.diyang, |form| form.address.clone_from(&theirs))?;
        scene.office.start()?;
        scene.all_sync()?;
        scene.office.stop()?;
        for (device, chosen) in [&scene.siti, &scene.diyang].into_iter().zip(chosen) {
            settle(device, &conflict(device)?, chosen)?;
        }
        scene.office.start()?;
        scene.all_sync()?;
        let addresses = scene.addresses()?;
        ensure!(addresses.iter().all(|address| *address == addresses[0] && chosen.contains(&address.as_str())), "{addresses:?}");
        let left = scene.siti.call(ListConflicts {})?;
        if chosen[0] == chosen[1] {
            ensure!(left.is_empty(), "they agree: {left:?}");
        } else {
            let conflict = conflict(&scene.amat)?;
            ensure!(conflict.values.len() == 2 && chosen.iter().all(|text| value(&conflict, text).is_ok()), "{conflict:?}");
        }
    }
    Ok(())
}

#[test]
fn only_what_is_offered_can_be_chosen() -> Result<()> {
    let mut scene = scene()?;
    scene.office.stop()?;
    scene.edit(&scene.siti, |form| form.address = "RT 02".into())?;
    scene.edit(&scene.diyang, |form| form.address = "RT 03".into())?;
    scene.office.start()?;
    scene.all_sync()?;
    let conflict = conflict(&scene.siti)?;
    for (field, choice) in
        [("address", "00".repeat(32)), ("address", "bukan".to_owned()), ("name", value(&conflict, "RT 02")?.choice.clone())]
    {
        let refused = scene.siti.try_call(SettleConflict { record: conflict.record, field: field.into(), choice })?;
        assert_eq!(refused.err(), Some(Error::NotFound { what: What::Conflict }), "{field}");
    }
    assert_eq!(scene.siti.call(ListConflicts {})?, [conflict]);
    Ok(())
}

#[test]
fn a_superior_is_told_in_words_when_an_activity_was_noted_and_how_sure_that_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let siti = newcomer(&office, folder.path(), NIP)?;
    let anang = newcomer(&office, folder.path(), SUPERIOR)?;
    ensure!(anang.call(Status {})?.person.is_some_and(|person| person.is_superior));
    ensure!(siti.call(Status {})?.person.is_some_and(|person| !person.is_superior));
    let noted = note(&siti, 1)?;
    siti.sync()?;
    anang.sync()?;
    let team = anang.call(TeamDay { day: String::new() })?;
    let member = team.iter().find(|member| member.nip.as_str() == NIP).context("Siti is not below")?;
    let [seen] = member.log.entries.as_slice() else { bail!("{:?}", member.log) };
    let own = siti.call(LogEntryDetail { id: noted.id })?;
    assert_eq!((&seen.entry, &seen.evidence), (&own.entry, &own.evidence));
    let words = evidence_sentence(&seen.evidence, Language::Id);
    ensure!(words.len() > 20, "{words}");
    // It is not his own work, and nobody else is shown it.
    ensure!(anang.call(ListLogEntries { search: String::new(), offset: 0, limit: 9 })?.rows.is_empty());
    ensure!(siti.call(TeamDay { day: String::new() })?.is_empty());
    let form = LogEntryForm { activity: "Diubah atasan".into(), ..seen.form.clone() };
    let edit = anang.try_call(EditLogEntry { id: noted.id, opened: seen.form.clone(), form })?;
    assert_eq!(edit.err(), Some(Error::NotYours));
    Ok(())
}
