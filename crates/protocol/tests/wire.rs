//! Every message, byte for byte. A change here is a change of the protocol: it needs a new version, and the old bytes must still be read.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use ed25519_dalek::SigningKey;
use lentera_protocol::account::{ChangePassword, Enrol, EnrolAnswer, Hello, HelloAnswer, PasswordChanged};
use lentera_protocol::bundle::{Boot, Bundle, Change, Stamp};
use lentera_protocol::frame::Frames;
use lentera_protocol::limits::{BUNDLE_MAX, HEADER_MAX};
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

/// All refusals; the first ten are those that the first version knew.
const REFUSALS: [Refusal; 12] = [
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

#[test]
fn refusals() {
    let lines: Vec<_> = REFUSALS.into_iter().map(|refusal| hex(&Reply::<Answer>::Refused(refusal))).collect();
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

/// The bytes of a fixture: those that the first version wrote, and no version changes.
fn fixture(name: &str) -> Vec<u8> {
    bytes_of(&text_of(name).split_whitespace().collect::<String>())
}

fn text_of(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/fixtures/v1/{name}.hex", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn bytes_of(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn the_first_released_bytes_are_read_for_ever() {
    fn read<T: for<'b> Decode<'b, ()>>(name: &str) -> T {
        decode(&fixture(name)).unwrap()
    }
    let header: Header = read("header");
    assert_eq!((header.version, header.device, header.counter, header.cursors[0].position), (1, device(), 9, 500));
    let change: Change = read("change");
    assert_eq!((change.kind, change.bytes, change.saved, change.part), (1, vec![1, 2, 3], stamp(), None));
    let bundle: Bundle = read("bundle");
    assert_eq!((bundle.device, bundle.number, bundle.previous, bundle.last_receipt), (device(), 4, Hash([0xaa; 32]), 3));
    let receipt: Receipt = read("receipt");
    assert_eq!((receipt.number, receipt.exceptions.len(), receipt.amendment), (4, 3, None));
    let page: Page = read("page");
    assert_eq!((page.rows.len(), page.cursor.below), (2, None));
    let Reply::Done(answer) = read::<Reply<Answer>>("answer") else { panic!() };
    assert_eq!((answer.counter, answer.unreadable[0].code.as_str(), answer.last), (9, "fork", None));
    assert_eq!(read::<Hello>("hello").nonce, [1; 16]);
    assert_eq!(read::<HelloAnswer>("hello_answer").office, "Dinas");
    assert_eq!(read::<Enrol>("enrol").key, [3; 32]);
    assert!(matches!(read::<Reply<EnrolAnswer>>("enrol_answer"), Reply::Done(answer) if answer.scope_epoch == 1));
    assert_eq!(read::<ChangePassword>("change_password").new_password, "b");
    assert!(matches!(read::<Reply<PasswordChanged>>("password_changed"), Reply::Done(done) if done.time == 5));
    // One a line: those that the first version knew.
    let lines = text_of("refusals");
    let first: Vec<_> = lines.lines().map(|line| decode::<Reply<Answer>>(&bytes_of(line)).unwrap()).collect();
    assert_eq!(first, REFUSALS[..10].iter().cloned().map(Reply::Refused).collect::<Vec<_>>());
    let signer = SigningKey::from_bytes(&[3; 32]).verifying_key();
    assert_eq!(verify::<Receipt>(&fixture("signed_receipt"), &signer).unwrap().into_inner().number, 1);
}

#[test]
fn a_whole_exchange_of_the_first_version_is_read_for_ever() {
    let [device, server] = [7, 9].map(|seed| SigningKey::from_bytes(&[seed; 32]).verifying_key());
    let mut frames = Frames::default();
    frames.push(&fixture("sync_request"));
    let header = verify::<Header>(&frames.next(HEADER_MAX).unwrap().unwrap(), &device).unwrap().into_inner();
    assert_eq!((header.version, header.device, header.counter), (1, DeviceId::of_key(device.as_bytes()), 9));
    let mut previous = Hash::default();
    for (number, wanted) in [(1, vec![1, 2, 3]), (2, vec![4])] {
        let sealed = frames.next(BUNDLE_MAX).unwrap().unwrap();
        let bundle = Bundle::open(&sealed, &device).unwrap().into_inner();
        let kinds: Vec<_> = bundle.read_changes().unwrap().iter().map(|change| change.kind).collect();
        assert_eq!((bundle.number, bundle.previous, kinds), (number, previous, wanted));
        previous = Hash::of(&sealed);
    }
    assert_eq!((frames.next(BUNDLE_MAX).unwrap(), frames.is_empty()), (None, true));
    let reply = verify::<Reply<Answer>>(&fixture("sync_answer"), &server).unwrap().into_inner();
    let Reply::Done(answer) = reply else { panic!("{reply:?}") };
    let receipts: Vec<_> =
        answer.receipts.iter().map(|sealed| verify::<Receipt>(&sealed.0, &server).unwrap().into_inner()).collect();
    assert_eq!((receipts[0].exceptions.len(), receipts[1].bundle), (0, previous));
    assert_eq!(receipts[1].exceptions[0].outcome, Outcome::Refused("wrong_owner".into()));
    assert_eq!((answer.counter, answer.unreadable[0].code.as_str()), (9, "gap"));
    assert!(lentera_protocol::stream::unpack(&answer.pages).unwrap().iter().any(|page| !page.rows.is_empty()));
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
