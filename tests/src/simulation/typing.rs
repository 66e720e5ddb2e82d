//! What people type.

use lentera_domain::Day;
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;

use crate::dice::Dice;

/// The field of an enterprise's form that is kept apart, with its owner's protected data.
pub const PHONE: &str = "phone";
/// A desa of the office.
const VILLAGES: [&str; 2] = ["63.11.01.2001", "63.11.01.2002"];

/// A new activity that says `token`.
pub fn activity(dice: &mut Dice, today: Day, token: &str) -> LogEntryForm {
    let hour = 7 + dice.below(8);
    LogEntryForm {
        day: today.to_string(),
        start: format!("{hour}.{:02}", dice.below(60)),
        end: format!("{}.{:02}", hour + 1 + dice.below(2), dice.below(60)),
        category: "Administrasi".to_owned(),
        activity: format!("Rekap harga {token}"),
        volume: if dice.one_in(2) { String::new() } else { (1 + dice.below(99)).to_string() },
        unit: "berkas".to_owned(),
        ..LogEntryForm::default()
    }
}

/// Changes some of an activity so that one field says `token`: which.
pub fn edit_activity(dice: &mut Dice, form: &mut LogEntryForm, token: &str) -> &'static str {
    if dice.one_in(3) {
        form.end = format!("{}.{:02}", 17 + dice.below(3), dice.below(60));
    }
    let (field, value, text) = match dice.below(3) {
        0 => ("activity", &mut form.activity, "Rapat"),
        1 => ("obstacle", &mut form.obstacle, "listrik padam"),
        _ => ("output", &mut form.output, "laporan"),
    };
    *value = format!("{text} {token}");
    field
}

/// A new enterprise that says `token`, and its owner's telephone `phone`.
pub fn enterprise(dice: &mut Dice, token: &str, phone: &str) -> UmkmForm {
    UmkmForm {
        name: format!("Dapur {token}"),
        owner_name: "Aluh Contoh".to_owned(),
        village: village(dice),
        founded: (1990 + dice.below(20)).to_string(),
        phone: phone.to_owned(),
        ..UmkmForm::default()
    }
}

/// Changes some of an enterprise so that one field says `token`: which.
pub fn edit_enterprise(dice: &mut Dice, form: &mut UmkmForm, token: &str) -> &'static str {
    if dice.one_in(3) {
        form.founded = (1990 + dice.below(20)).to_string();
    }
    if dice.one_in(4) {
        form.village = village(dice);
    }
    let (field, value, text) = match dice.below(5) {
        0 => ("name", &mut form.name, "Bengkel".to_owned()),
        1 => ("product", &mut form.product, "kue".to_owned()),
        2 => ("legal_form", &mut form.legal_form, "koperasi".to_owned()),
        3 => ("address", &mut form.address, words(dice, 200)),
        _ => (PHONE, &mut form.phone, "0812".to_owned()),
    };
    *value = format!("{text} {token}");
    field
}

/// A new visit that says `token`, in a few words or in very many.
pub fn visit(dice: &mut Dice, today: Day, umkm: String, token: &str, is_long: bool) -> VisitForm {
    let hour = 7 + dice.below(8);
    let length = if is_long { 900 } else { 20 };
    VisitForm {
        umkm,
        day: today.to_string(),
        start: format!("{hour}.00"),
        end: format!("{}.30", hour + 1),
        purposes: if dice.one_in(2) { "pembinaan" } else { "perizinan, monitoring_bantuan" }.to_owned(),
        problem: format!("{} {token}", words(dice, length)),
        advice: words(dice, length),
        agreement: words(dice, length),
        ..VisitForm::default()
    }
}

fn village(dice: &mut Dice) -> String {
    dice.choose(&VILLAGES).copied().unwrap_or_default().to_owned()
}

/// So many characters that do not compress well, some of them four bytes long.
fn words(dice: &mut Dice, length: u64) -> String {
    let letters: Vec<char> = "abcdefghijklmnopqrstuvwxyz 🌾👩🏽ᮊᮥ".chars().collect();
    let text: String = (0..length).filter_map(|_| dice.choose(&letters)).collect();
    format!("x{}x", text.trim())
}
