//! A device that speaks the protocol over real HTTP, trusting only what the invite says.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{SigningKey, VerifyingKey};
use lentera_document::{Actor, Document, Fields, fields_of};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{LogEntryId, Nip, RecordId, Timestamp, UmkmId};
use lentera_protocol::account::{Enrol, EnrolAnswer};
use lentera_protocol::bundle::{self, Bundle, Change, Packed, Stamp};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::{sign, verify};
use lentera_protocol::sync::{Answer, Header, Reply};
use lentera_protocol::{DeviceId, Hash, VERSION, frame};
use serde_json::Value;
use uuid::Uuid;

use crate::office::Office;

const PASSWORD: &str = "rahasia-contoh";
const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);
const STAMP: Stamp = Stamp { wall: NOW.millis(), boot: None, anchor: None, since_anchor: None };

pub struct Device {
    nip: &'static str,
    key: SigningKey,
    server: VerifyingKey,
    client: reqwest::Client,
    url: String,
    counter: u64,
    number: u64,
    previous: Hash,
}

/// A client that trusts the authority in an invite and no other, or nobody where there is none.
pub fn client(invite: &Value) -> reqwest::Client {
    let ca = invite["ca"].as_str().map(|ca| BASE64_STANDARD.decode(ca).unwrap());
    let trusted = ca.map(|der| reqwest::Certificate::from_der(&der).unwrap());
    reqwest::Client::builder().tls_certs_only(trusted).build().unwrap()
}

impl Device {
    /// Enrols a device for a person, who chooses a password if it is the first one.
    pub async fn enrol(office: &Office, nip: &'static str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let client = client(&office.invite());
        let server = office.key();
        for (password, new_password) in [(PASSWORD, ""), (&nip[..8], PASSWORD)] {
            let request = Enrol {
                version: VERSION,
                nip: nip.to_owned(),
                password: password.to_owned(),
                new_password: new_password.to_owned(),
                key: *key.verifying_key().as_bytes(),
            };
            let sent = client.post(format!("{}/v1/enrol", office.url())).body(sign(&request, &key)).send().await.unwrap();
            let answer = verify::<Reply<EnrolAnswer>>(&sent.bytes().await.unwrap(), &server).unwrap().into_inner();
            if let Reply::Done(_) = answer {
                let (url, previous) = (office.url().to_owned(), Hash::default());
                return Self { nip, key, server, client, url, counter: 0, number: 0, previous };
            }
        }
        panic!("not enrolled");
    }

    /// Its name.
    pub fn id(&self) -> DeviceId {
        DeviceId::of_key(self.key.verifying_key().as_bytes())
    }

    /// A sealed bundle with one new log entry.
    pub fn log_something(&mut self) -> Vec<u8> {
        let id = u128::from_be_bytes(self.id().0) ^ u128::from(self.number);
        let form = LogEntryForm {
            day: "2026-11-20".into(),
            start: "8".into(),
            end: "9".into(),
            category: "Rapat".into(),
            activity: format!("Rapat ke-{}", self.number),
            ..LogEntryForm::default()
        };
        let entry = form.parse(Nip::parse(self.nip).unwrap(), NOW).unwrap();
        self.seal(LogEntryId(Uuid::from_u128(id)).record(), &fields_of(&entry).unwrap())
    }

    /// A sealed bundle that registers an enterprise.
    pub fn register(&mut self, id: UmkmId) -> Vec<u8> {
        let form = UmkmForm {
            name: "Dapur Contoh".into(),
            owner_name: "Aluh Contoh".into(),
            village: "63.11.01.2001".into(),
            ..UmkmForm::default()
        };
        self.seal(id.record(), &fields_of(&form.parse(NOW).unwrap().0).unwrap())
    }

    fn seal(&mut self, record: RecordId, fields: &Fields) -> Vec<u8> {
        let actor = Actor::derive(self.key.verifying_key().as_bytes(), 0);
        let written = Document::new(record).unwrap().write(actor, NOW, &Fields::default(), fields).unwrap().unwrap();
        let change =
            Change { kind: record.kind.number(), id: *record.id.as_bytes(), bytes: written.bytes, saved: STAMP, part: None };
        let Packed::Whole(changes, 1) = bundle::pack(&[change]).unwrap() else { panic!("parts") };
        let sealed = Bundle {
            device: self.id(),
            number: self.number + 1,
            previous: self.previous,
            generation: 0,
            last_receipt: 0,
            scope_epoch: 1,
            sealed: STAMP,
            changes,
        }
        .seal(&self.key);
        self.number += 1;
        self.previous = Hash::of(&sealed);
        sealed
    }

    /// Hands over bundles; their receipts, or nothing where the server is gone or has no time.
    pub async fn sync(&mut self, bundles: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
        self.counter += 1;
        let header = Header {
            version: VERSION,
            device: self.id(),
            counter: self.counter,
            scope_epoch: 1,
            cursors: vec![],
            page_bytes: None,
            amendment: None,
        };
        let mut body = Vec::new();
        frame::push(&mut body, &sign(&header, &self.key));
        bundles.iter().for_each(|sealed| frame::push(&mut body, sealed));
        let sent = self.client.post(format!("{}/v1/sync", self.url)).body(body).send().await.ok()?;
        let answer = sent.bytes().await.ok().filter(|bytes| !bytes.is_empty())?;
        match verify::<Reply<Answer>>(&answer, &self.server).unwrap().into_inner() {
            Reply::Done(answer) => {
                assert!(answer.unreadable.is_empty(), "{:?}", answer.unreadable);
                for (receipt, sealed) in answer.receipts.iter().zip(bundles) {
                    let receipt = verify::<Receipt>(&receipt.0, &self.server).unwrap();
                    assert_eq!((receipt.bundle, receipt.exceptions.len()), (Hash::of(sealed), 0));
                }
                Some(answer.receipts.into_iter().map(|receipt| receipt.0).collect())
            }
            Reply::Refused(lentera_protocol::sync::Refusal::Busy(_)) => None,
            Reply::Refused(refusal) => panic!("{refusal:?}"),
        }
    }
}
