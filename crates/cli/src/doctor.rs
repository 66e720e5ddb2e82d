//! The sync doctor in a terminal, for people.

use std::fmt::Write;

use lentera_api::view::{Attempt, Delivery, Status};
use lentera_api::{Language, cause_words, finding_sentence, moment, refusal_words};

/// Tries that are printed.
const ATTEMPTS: usize = 50;

/// Why nothing was sent, what to do, and how the last tries went.
pub fn report(status: &Status, delivery: &Delivery, language: Language) -> String {
    let say = |id: &'static str, en: &'static str| if language == Language::Id { id } else { en };
    let mut report = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(report, "{text}");
    };
    if let Some(person) = &status.person {
        line(format!("Lentera {} · {} · {} · {}", status.version, person.name, person.office, person.server));
    }
    line(format!("{}: {}", say("Belum terkirim", "Unsent"), delivery.light.waiting));
    if let Some(oldest) = delivery.waiting.first() {
        line(format!("  {} {}", say("sejak", "since"), moment(oldest.since, language)));
    }
    line(match delivery.light.arrived_at {
        Some(at) => format!("{} {}", say("Terakhir terkirim", "Last arrived"), moment(at, language)),
        None => say("Belum pernah ada yang terkirim.", "Nothing has arrived yet.").to_owned(),
    });
    line(String::new());
    if delivery.findings.is_empty() {
        line(say("Tidak ada yang menghalangi.", "Nothing stands in the way.").to_owned());
    }
    for (number, finding) in (1..).zip(&delivery.findings) {
        let (what, what_to_do) = finding_sentence(finding, language);
        line(format!("{number}. {what}"));
        line(format!("   {what_to_do}"));
    }
    if let Some(at) = delivery.next_attempt_at {
        line(format!("{} {}", say("Dicoba lagi", "Next try"), moment(at, language)));
    }
    if !delivery.refused.is_empty() {
        line(format!("\n{}:", say("Ditolak server", "Refused by the server")));
    }
    for refused in &delivery.refused {
        let at = moment(refused.at, language);
        line(format!("- {} ({at}): {}", refused.title, refusal_words(&refused.reason, language)));
    }
    if delivery.carried.waiting + delivery.carried.receipts > 0 {
        let carried = delivery.carried;
        line(match language {
            Language::Id => format!(
                "\nTitipan rekan: {} belum diserahkan, {} sudah, {} tanda terima.",
                carried.waiting, carried.delivered, carried.receipts
            ),
            Language::En => format!(
                "\nColleagues' parcels: {} waiting, {} handed over, {} receipts.",
                carried.waiting, carried.delivered, carried.receipts
            ),
        });
    }
    if !delivery.attempts.is_empty() {
        line(format!("\n{}:", say("Percobaan terakhir", "Last tries")));
    }
    for attempt in delivery.attempts.iter().take(ATTEMPTS) {
        line(attempt_line(attempt, language));
    }
    report
}

fn attempt_line(attempt: &Attempt, language: Language) -> String {
    let how = match (attempt.failed, language) {
        (Some(cause), Language::Id) => format!("gagal: {}", cause_words(cause, language)),
        (Some(cause), Language::En) => format!("failed: {}", cause_words(cause, language)),
        (None, Language::Id) => "berhasil".to_owned(),
        (None, Language::En) => "went through".to_owned(),
    };
    let (seconds, tenths) = (attempt.millis / 1000, attempt.millis % 1000 / 100);
    let (sent, received) = (attempt.sent, attempt.received);
    let when = moment(attempt.last, language);
    let times = attempt.count;
    match language {
        Language::Id if times > 1 => {
            format!("{when}: {how}, {times} kali; {sent} B dikirim, {received} B diterima, {seconds},{tenths} detik")
        }
        Language::Id => format!("{when}: {how}; {sent} B dikirim, {received} B diterima, {seconds},{tenths} detik"),
        Language::En if times > 1 => {
            format!("{when}: {how}, {times} times; {sent} B sent, {received} B received, {seconds}.{tenths} s")
        }
        Language::En => format!("{when}: {how}; {sent} B sent, {received} B received, {seconds}.{tenths} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn tells_why_what_to_do_and_how_the_last_tries_went() {
        let now = 1_795_399_200_000_u64;
        let light = json!({"refused": 0, "waiting": 2, "drafts": 0, "arrived_at": null});
        let status = json!({"person": null, "light": light, "today": "2026-11-23", "present": now, "version": "0.1.0"});
        let attempt = json!({
            "at": now, "last": now, "count": 12, "failed": "unreachable", "sent": 340, "received": 0, "millis": 1_234
        });
        let delivery = json!({
            "light": light, "cause": "unreachable", "waiting": [], "refused": [], "attempts": [attempt], "next_attempt_at": null,
            "findings": [{"finding": "no_network"}], "backfill": null, "kept_aside": 0,
            "carried": {"waiting": 0, "delivered": 0, "receipts": 0}
        });
        let report = report(&from_value(status).unwrap(), &from_value(delivery).unwrap(), Language::Id);
        assert!(report.contains("Belum terkirim: 2"), "{report}");
        assert!(report.contains("1. Tidak ada jaringan di perangkat ini.\n   Nyalakan data seluler"), "{report}");
        let last =
            "Senin 23 Nov 2026 pukul 10.00: gagal: server tidak terjangkau, 12 kali; 340 B dikirim, 0 B diterima, 1,2 detik";
        assert_eq!(report.lines().last(), Some(last));
    }
}
