//! When something was noted, in words for a superior.

use lentera_domain::{Evidence, EvidenceKind};

use super::Language;
use super::moment::{moment, moment_after};

/// When something was noted, and how that is known.
pub fn evidence_sentence(evidence: &Evidence, language: Language) -> String {
    let at = |at| moment(at, language);
    match (language, evidence.kind, evidence.from, evidence.until) {
        (Language::Id, EvidenceKind::Stated, Some(from), _) => {
            format!("Dicatat {} (jam server ditambah jam perangkat yang tidak bisa diubah)", at(from))
        }
        (Language::En, EvidenceKind::Stated, Some(from), _) => {
            format!("Noted on {} (the server's clock plus a clock of the device that cannot be set)", at(from))
        }
        (Language::Id, EvidenceKind::Wall, _, Some(noted)) => {
            format!("Dicatat {} (jam perangkat; tidak ada yang membantahnya)", at(noted))
        }
        (Language::En, EvidenceKind::Wall, _, Some(noted)) => {
            format!("Noted on {} (the device's clock; nothing contradicts it)", at(noted))
        }
        (Language::Id, _, Some(from), Some(until)) => {
            format!(
                "Dicatat antara {} dan {}: jam perangkat tidak cocok dengan server",
                at(from),
                moment_after(from, until, language)
            )
        }
        (Language::En, _, Some(from), Some(until)) => {
            format!(
                "Noted between {} and {}: the device's clock does not fit the server's",
                at(from),
                moment_after(from, until, language)
            )
        }
        (Language::Id, _, Some(from), None) => format!("Dicatat setelah {}: jam perangkat tidak cocok dengan server", at(from)),
        (Language::En, _, Some(from), None) => {
            format!("Noted after {}: the device's clock does not fit the server's", at(from))
        }
        (Language::Id, _, None, Some(until)) => format!("Dicatat sebelum {}: jam perangkat tidak cocok dengan server", at(until)),
        (Language::En, _, None, Some(until)) => {
            format!("Noted before {}: the device's clock does not fit the server's", at(until))
        }
        (Language::Id, _, None, None) => "Waktu mencatatnya tidak diketahui".to_owned(),
        (Language::En, _, None, None) => "When it was noted is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lentera_domain::Timestamp;

    /// 2026-11-23 16:05 WITA.
    const AT: Timestamp = Timestamp::from_millis(1_795_421_100_000);

    #[test]
    fn tells_how_the_time_is_known() {
        let say = |kind, from, until| evidence_sentence(&Evidence { kind, from, until }, Language::Id);
        assert_eq!(
            say(EvidenceKind::Stated, Some(AT), Some(AT.plus_millis(120_000))),
            "Dicatat Senin 23 Nov 2026 pukul 16.05 (jam server ditambah jam perangkat yang tidak bisa diubah)"
        );
        assert_eq!(
            say(EvidenceKind::Proven, Some(AT), Some(AT.plus_millis(3_600_000))),
            "Dicatat antara Senin 23 Nov 2026 pukul 16.05 dan pukul 17.05: jam perangkat tidak cocok dengan server"
        );
        assert_eq!(
            say(EvidenceKind::Wall, Some(AT.plus_millis(-86_400_000)), Some(AT)),
            "Dicatat Senin 23 Nov 2026 pukul 16.05 (jam perangkat; tidak ada yang membantahnya)"
        );
        assert_eq!(
            say(EvidenceKind::Proven, None, Some(AT)),
            "Dicatat sebelum Senin 23 Nov 2026 pukul 16.05: jam perangkat tidak cocok dengan server"
        );
    }
}
