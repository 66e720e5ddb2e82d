//! Every message, byte for byte. A change here is a change of the protocol: it needs a new version, and the old bytes must still be read.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use ed25519_dalek::SigningKey;
use lentera_protocol::account::{ChangePassword, Enrol, EnrolAnswer, Hello, HelloAnswer, PasswordChanged};
use lentera_protocol::bundle::{Boot, Bundle, Change, Stamp};
use lentera_protocol::receipt::{Exception, Outcome, Receipt};
use lentera_protocol::sign::{Message, sign, verify};
use lentera_protocol::stream::{Cursor, Page, Row};
use lentera_protocol::sync::{Answer, Header, Refusal, Reply, Sealed, Unreadable};
use lentera_protocol::{DeviceId, Hash, decode, encode};
use minicbor::{Decode, Encode};

/// The bytes as hexadecimal, once they have been seen to come back as the same value.
fn hex<T: Encode<()> + for<'b> Decode<'b, ()>>(value: &T) -> String {
    let bytes = encode(value);
    assert_eq!(encode(&decode::<T>(&bytes).unwrap()), bytes);
    for end in 0..bytes.len() {
        assert!(decode::<T>(&bytes[..end]).is_err(), "cut at {end}");
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn device() -> DeviceId {
    DeviceId([0xd1; 16])
}

fn stamp() -> Stamp {
    Stamp { wall: 1_795_399_200_000, boot: Some(Boot { id: 77, millis: 60_000 }), anchor: None, since_anchor: None }
}

#[test]
fn sync_messages() {
    let cursor = Cursor { stream: 3, position: 500, hash: [0xcc; 8], below: None };
    let header = Header {
        version: 1,
        device: device(),
        counter: 9,
        scope_epoch: 2,
        cursors: vec![cursor],
        page_bytes: None,
        amendment: None,
    };
    insta::assert_snapshot!("header", hex(&header));
    let change = Change { kind: 1, id: [0x1d; 16], bytes: vec![1, 2, 3], saved: stamp(), part: None };
    insta::assert_snapshot!("change", hex(&change));
    let bundle = Bundle {
        device: device(),
        number: 4,
        previous: Hash([0xaa; 32]),
        generation: 0,
        last_receipt: 3,
        scope_epoch: 2,
        sealed: stamp(),
        changes: vec![9, 9],
    };
    insta::assert_snapshot!("bundle", hex(&bundle));
    let exceptions = vec![
        Exception { index: 0, outcome: Outcome::Refused("bad_record".into()) },
        Exception { index: 1, outcome: Outcome::Need(Hash([0xbb; 32])) },
        Exception { index: 2, outcome: Outcome::Unknown },
    ];
    let receipt =
        Receipt { device: device(), number: 4, bundle: Hash([0xbb; 32]), exceptions, time: 1_795_399_200_000, amendment: None };
    insta::assert_snapshot!("receipt", hex(&receipt));
    let rows = vec![Row::Change { kind: 2, id: [0x1d; 16], bytes: vec![1, 2], origin: None }, Row::Record("{}".into())];
    insta::assert_snapshot!("page", hex(&Page { rows, cursor }));
    let answer = Answer {
        counter: 9,
        receipts: vec![Sealed(vec![7])],
        unreadable: vec![Unreadable { index: 1, code: "fork".into() }],
        pages: vec![8],
        more: true,
        scope_epoch: 2,
        time: 1_795_399_200_000,
        last: None,
    };
    insta::assert_snapshot!("answer", hex(&Reply::Done(answer)));
}

#[test]
fn refusals() {
    let refusals = [
        Refusal::Malformed,
        Refusal::Version,
        Refusal::UnknownDevice,
        Refusal::Revoked,
        Refusal::WrongLogin(3),
        Refusal::TooManyTries(1_795_399_200_000),
        Refusal::PasswordChangeNeeded,
        Refusal::WeakPassword,
        Refusal::Busy(30),
        Refusal::Internal,
        Refusal::KeyFrozen,
        Refusal::Replayed(9),
    ];
    let lines: Vec<_> = refusals.into_iter().map(|refusal| hex(&Reply::<Answer>::Refused(refusal))).collect();
    insta::assert_snapshot!("refusals", lines.join("\n"));
}

#[test]
fn account_messages() {
    insta::assert_snapshot!("hello", hex(&Hello { nonce: [1; 16] }));
    let answer = HelloAnswer { nonce: [1; 16], key: [2; 32], office: "Dinas".into(), versions: (1, 1), time: 5 };
    insta::assert_snapshot!("hello_answer", hex(&answer));
    let enrol =
        Enrol { version: 1, nip: "197203151998032000".into(), password: "a".into(), new_password: "b".into(), key: [3; 32] };
    insta::assert_snapshot!("enrol", hex(&enrol));
    insta::assert_snapshot!("enrol_answer", hex(&Reply::Done(EnrolAnswer { employee: "{}".into(), scope_epoch: 1, time: 5 })));
    let change = ChangePassword { nip: "197203151998032000".into(), password: "a".into(), new_password: "b".into() };
    insta::assert_snapshot!("change_password", hex(&change));
    insta::assert_snapshot!("password_changed", hex(&Reply::Done(PasswordChanged { time: 5 })));
}

#[test]
fn signed_form() {
    let key = SigningKey::from_bytes(&[3; 32]);
    let receipt = Receipt { device: device(), number: 1, bundle: Hash([0; 32]), exceptions: vec![], time: 5, amendment: None };
    let sealed = sign(&receipt, &key);
    assert_eq!(verify::<Receipt>(&sealed, &key.verifying_key()).unwrap().into_inner(), receipt);
    insta::assert_snapshot!("signed_receipt", sealed.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
}

#[test]
fn contexts_differ() {
    let contexts =
        [Bundle::CONTEXT, Receipt::CONTEXT, Header::CONTEXT, Reply::<Answer>::CONTEXT, HelloAnswer::CONTEXT, Enrol::CONTEXT];
    for (index, context) in contexts.iter().enumerate() {
        assert!(!contexts[..index].contains(context), "{context}");
    }
}

proptest::proptest! {
    #[test]
    fn hostile_bytes_are_refused_not_obeyed(bytes: Vec<u8>) {
        let key = SigningKey::from_bytes(&[3; 32]).verifying_key();
        let _ = verify::<Receipt>(&bytes, &key);
        let _ = decode::<Reply<Answer>>(&bytes);
        let _ = decode::<Bundle>(&bytes);
        let _ = decode::<Vec<Change>>(&bytes);
        let _ = decode::<Header>(&bytes);
        let _ = lentera_protocol::stream::unpack(&bytes);
    }
}
