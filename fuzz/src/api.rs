//! What a person brings to the app.

use lentera_api::Invite;

/// The text of an invite.
pub fn invite(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(invite) = Invite::parse(text) else { return };
    let fingerprint: Option<String> =
        invite.fingerprint_bytes().map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    assert!(fingerprint.is_some_and(|digits| digits.eq_ignore_ascii_case(&invite.fingerprint)), "{}", invite.fingerprint);
    let json = serde_json::to_string(&invite).unwrap_or_default();
    // What is written for people and machines may be longer than what was read: blanks, control characters.
    assert!(json.len() > 4096 || Invite::parse(&json).is_ok_and(|again| again == invite), "does not come back from {json}");
}
