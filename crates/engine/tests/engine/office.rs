//! An office's server in memory: it keeps bundles and receipts as the real one does, and judges them as the test says.

use std::collections::BTreeMap;

use ed25519_dalek::{SigningKey, VerifyingKey};
use lentera_domain::server_record::Employee;
use lentera_engine::Response;
use lentera_protocol::account::{Enrol, EnrolAnswer, Hello, HelloAnswer};
use lentera_protocol::bundle::{Bundle, Change};
use lentera_protocol::frame::Frames;
use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::parcel::unpack;
use lentera_protocol::receipt::{Exception, Outcome, Receipt};
use lentera_protocol::sign::{peek, sign, verify};
use lentera_protocol::stream::{Page, pack};
use lentera_protocol::sync::{Answer, Header, Last, Refusal, Reply, Sealed, Unreadable};
use lentera_protocol::{DeviceId, Hash, decode};
use serde_json::json;

use crate::world::NOW;

/// Says what becomes of the changes of a bundle that were not accepted.
pub type Judge = Box<dyn FnMut(&Bundle, &[Change]) -> Vec<Exception>>;

/// Says what becomes of an honest answer on its way.
pub type Tamper = Box<dyn FnMut(&mut Answer)>;

/// What the office keeps of one device.
#[derive(Clone, Default)]
pub struct Device {
    key: Option<VerifyingKey>,
    /// Sealed bundles with their signed receipts, in order.
    pub log: Vec<(Vec<u8>, Vec<u8>)>,
    /// Amended receipts, in order.
    pub amendments: Vec<Vec<u8>>,
    counter: u64,
    pub frozen: bool,
}

/// The office.
pub struct Office {
    pub devices: BTreeMap<DeviceId, Device>,
    pub judge: Judge,
    pub tamper: Tamper,
    /// Given to whoever asks next.
    pub pages: Vec<Page>,
    pub more: bool,
    /// Headers as they came.
    pub headers: Vec<Header>,
    /// What each request carried: numbers of bundles, negative for returned ones.
    pub carried: Vec<Vec<i64>>,
    pub scope_epoch: u32,
    /// The office's clock.
    pub time: i64,
}

impl Office {
    pub fn new() -> Self {
        Self {
            devices: BTreeMap::new(),
            judge: Box::new(|_, _| vec![]),
            tamper: Box::new(|_| {}),
            pages: vec![],
            more: false,
            headers: vec![],
            carried: vec![],
            scope_epoch: 1,
            time: NOW,
        }
    }

    pub fn key() -> SigningKey {
        SigningKey::from_bytes(&[42; 32])
    }

    /// The only device, or the last enrolled one where the test says which.
    pub fn device(&mut self) -> &mut Device {
        assert_eq!(self.devices.len(), 1);
        self.devices.values_mut().next().unwrap()
    }

    /// All changes that lie here, whole ones of all devices.
    pub fn changes(&self) -> Vec<Change> {
        let bundles = self.devices.values().flat_map(|device| &device.log);
        bundles.flat_map(|(sealed, _)| peek::<Bundle>(sealed).unwrap().read_changes().unwrap()).collect()
    }

    pub fn answer(&mut self, url: &str, body: &[u8]) -> Response {
        let body = match url.rsplit('/').next().unwrap() {
            "hello" => self.hello(&decode(body).unwrap()),
            "enrol" => self.enrol(&peek(body).unwrap()),
            _ => {
                let reply = self.sync(body);
                sign(&reply, &Self::key())
            }
        };
        Response { status: 200, body, retry_after: None }
    }

    fn hello(&self, hello: &Hello) -> Vec<u8> {
        let key = Self::key();
        let answer = HelloAnswer {
            nonce: hello.nonce,
            key: key.verifying_key().to_bytes(),
            office: "Dinas Contoh".into(),
            versions: (1, 2),
            time: self.time,
        };
        sign(&answer, &key)
    }

    fn enrol(&mut self, enrol: &Enrol) -> Vec<u8> {
        let key = Self::key();
        if enrol.password == "salah" {
            return sign(&Reply::<EnrolAnswer>::Refused(Refusal::WrongLogin(4)), &key);
        }
        let employee: Employee = serde_json::from_value(json!({
            "nip": enrol.nip, "name": "Siti Contoh", "position": "Penyuluh", "unit": "Perindustrian"
        }))
        .unwrap();
        let device = self.devices.entry(DeviceId::of_key(&enrol.key)).or_default();
        if device.frozen {
            return sign(&Reply::<EnrolAnswer>::Refused(Refusal::KeyFrozen), &key);
        }
        device.key = Some(VerifyingKey::from_bytes(&enrol.key).unwrap());
        let employee = serde_json::to_string(&employee).unwrap();
        sign(&Reply::Done(EnrolAnswer { employee, scope_epoch: self.scope_epoch, time: self.time }), &key)
    }

    fn sync(&mut self, body: &[u8]) -> Reply<Answer> {
        let mut frames = Frames::default();
        frames.push(body);
        let signed = frames.next(10_000).unwrap().unwrap();
        let header: Header = peek(&signed).unwrap();
        self.headers.push(header.clone());
        self.carried.push(vec![]);
        let Some(key) = self.devices.get(&header.device).and_then(|device| device.key) else {
            return Reply::Refused(Refusal::UnknownDevice);
        };
        assert!(verify::<Header>(&signed, &key).is_ok());
        let device = self.devices.get_mut(&header.device).unwrap();
        if device.frozen {
            return Reply::Refused(Refusal::KeyFrozen);
        }
        if header.counter <= device.counter {
            return Reply::Refused(Refusal::Replayed(device.counter));
        }
        device.counter = header.counter;
        let (mut receipts, mut unreadable) = (vec![], vec![]);
        let mut index = 0;
        while let Some(frame) = frames.next(100_000).unwrap() {
            if let Ok(Handed::Other(Other::Parcel(parcel))) = Handed::read(frame.clone()) {
                receipts.extend(self.take_parcel(&parcel));
                index += 1;
                continue;
            }
            if let Ok(Handed::Other(Other::Ask(after))) = Handed::read(frame.clone()) {
                let log = &self.devices[&header.device].log;
                receipts.extend(log.iter().skip(usize::try_from(after).unwrap()).map(|(_, receipt)| Sealed(receipt.clone())));
                index += 1;
                continue;
            }
            // A returned bundle may be of another key of the same person, which is learnt again.
            let whose = match Handed::read(frame.clone()).unwrap() {
                Handed::Other(Other::Returned { sealed, key, .. }) => {
                    let id = peek::<Bundle>(&sealed).unwrap().device;
                    if let Some(key) = key {
                        assert_eq!(DeviceId::of_key(&key), id);
                        let device = self.devices.entry(id).or_default();
                        device.key = Some(VerifyingKey::from_bytes(&key).unwrap());
                    }
                    id
                }
                Handed::Bundle(sealed) => peek::<Bundle>(&sealed).map_or(header.device, |bundle| bundle.device),
                _ => header.device,
            };
            let known = self.devices.get(&whose).and_then(|device| device.key);
            match known.ok_or("unknown_device").and_then(|key| self.take(whose, &key, frame)) {
                Ok(receipt) => receipts.push(Sealed(receipt)),
                Err(code) => unreadable.push(Unreadable { index, code: code.into() }),
            }
            index += 1;
        }
        let device = &self.devices[&header.device];
        let amended = device.amendments.iter().filter(|sealed| peek::<Receipt>(sealed).unwrap().amendment > header.amendment);
        receipts.extend(amended.cloned().map(Sealed));
        let mut answer = Answer {
            counter: header.counter,
            receipts,
            unreadable,
            pages: pack(&std::mem::take(&mut self.pages)).unwrap(),
            more: self.more,
            scope_epoch: self.scope_epoch,
            time: self.time,
            last: device.log.last().map(|(sealed, _)| Last { number: device.log.len() as u64, hash: Hash::of(sealed) }),
        };
        (self.tamper)(&mut answer);
        Reply::Done(answer)
    }

    /// Receipts of the bundles in a colleague's parcel.
    fn take_parcel(&mut self, parcel: &[u8]) -> Vec<Sealed> {
        let bundles = unpack(parcel, &Self::key()).unwrap();
        let take = |sealed: Vec<u8>| {
            let id = peek::<Bundle>(&sealed).unwrap().device;
            let key = self.devices[&id].key.unwrap();
            Sealed(self.take(id, &key, sealed).unwrap())
        };
        bundles.into_iter().map(take).collect()
    }

    /// The receipt, or why there is none.
    fn take(&mut self, id: DeviceId, key: &VerifyingKey, frame: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        let (sealed, old) = match Handed::read(frame).unwrap() {
            Handed::Bundle(sealed) => (sealed, None),
            Handed::Other(Other::Returned { sealed, receipt, key }) => (sealed, Some((receipt, key.is_some()))),
            Handed::Other(Other::Parcel(_) | Other::Ask(_)) => return Err("no bundle"),
        };
        let bundle = Bundle::open(&sealed, key).map_err(|_| "bad_signature")?.into_inner();
        assert_eq!(bundle.device, id);
        let number = i64::try_from(bundle.number).unwrap();
        self.carried.last_mut().unwrap().push(if old.is_some() { -number } else { number });
        let device = self.devices.get_mut(&id).unwrap();
        let number_of = |sealed: &[u8]| peek::<Bundle>(sealed).unwrap().number;
        let known = device.log.iter().find(|(sealed, _)| number_of(sealed) == bundle.number);
        let (last, previous) =
            device.log.last().map_or((0, Hash::default()), |(sealed, _)| (number_of(sealed), Hash::of(sealed)));
        match known {
            Some((same, receipt)) if *same == sealed => return Ok(receipt.clone()),
            _ if device.frozen && old.is_none() => return Err("held"),
            Some(_) => {
                device.frozen = true;
                return Err("fork");
            }
            None if old.as_ref().is_some_and(|(_, is_earlier)| *is_earlier) && bundle.number > last + 1 => {}
            None if bundle.number > last + 1 => return Err("gap"),
            None if bundle.previous != previous => {
                device.frozen = true;
                return Err("fork");
            }
            None => {}
        }
        let receipt = match old {
            Some((receipt, _)) => {
                let word = verify::<Receipt>(&receipt, &Self::key().verifying_key()).unwrap();
                assert_eq!((word.bundle, word.number), (Hash::of(&sealed), bundle.number));
                receipt
            }
            None => {
                let exceptions = (self.judge)(&bundle, &bundle.read_changes().unwrap());
                let hash = Hash::of(&sealed);
                let receipt =
                    Receipt { device: id, number: bundle.number, bundle: hash, exceptions, time: self.time, amendment: None };
                sign(&receipt, &Self::key())
            }
        };
        self.devices.get_mut(&id).unwrap().log.push((sealed, receipt.clone()));
        Ok(receipt)
    }

    /// A later word on bundle `number` of the only device.
    pub fn amend(&mut self, number: u64, exceptions: Vec<Exception>) {
        let time = self.time;
        let device = self.device();
        let (_, receipt) = &mut device.log[usize::try_from(number).unwrap() - 1];
        // Numbers go with the time, as the real office gives them.
        let amendment = Some(time.unsigned_abs() + device.amendments.len() as u64);
        let amended = Receipt { exceptions, amendment, ..peek(receipt).unwrap() };
        *receipt = sign(&amended, &Self::key());
        device.amendments.push(receipt.clone());
    }
}

/// A change of a bundle is refused.
pub fn refused(index: u32, code: &str) -> Exception {
    Exception { index, outcome: Outcome::Refused(code.into()) }
}
