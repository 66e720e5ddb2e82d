//! Enrolling, and whom one enrols with.

use lentera_api::Error;
use lentera_engine::Response;
use lentera_protocol::Hash;
use serde_json::json;

use crate::office::Office;
use crate::world::{Link, NIP, Phone, invite};

#[test]
fn enrolment_meets_only_the_server_of_the_invite() {
    let phone = Phone::new();
    let enrol =
        |invite: String, nip: &str| phone.try_call("enrol", json!({"invite": invite, "nip": nip, "password": "x"})).unwrap_err();
    let other = invite().replace(&Hash::of(Office::key().verifying_key().as_bytes()).to_string(), &"00".repeat(32));
    assert_eq!(enrol(other, NIP), Error::NotOurServer);
    assert!(matches!(enrol(invite(), "197213151998032000"), Error::Field(_)));
    assert!(matches!(enrol("halo".into(), NIP), Error::BadInvite { .. }));
    let bad_ca = invite().replace("\"office\"", "\"ca\":\"***\",\"office\"");
    assert!(matches!(enrol(bad_ca, NIP), Error::BadInvite { .. }));
    phone.world.link.set(Link::Down);
    assert_eq!(enrol(invite(), NIP), Error::ServerUnreachable);
    phone.world.link.set(Link::Up);
    let nginx = Response { status: 404, body: b"nginx".to_vec(), retry_after: None };
    *phone.world.impostor.borrow_mut() = Box::new(move |_, _| Some(nginx.clone()));
    assert_eq!(enrol(invite(), NIP), Error::WrongAddress);
    assert_eq!(phone.try_call("home", json!({})), Err(Error::NotEnrolled));
    *phone.world.impostor.borrow_mut() = Box::new(|_, _| None);
    phone.call("enrol", json!({"invite": invite(), "nip": NIP, "password": "x"}));
    assert_eq!(enrol(invite(), NIP), Error::AlreadyEnrolled);
}

#[test]
fn an_enrolment_that_the_power_cut_short_is_finished_by_enrolling_again() {
    let mut phone = Phone::enrolled();
    phone.add("Rapat");
    phone.close();
    // The identity was on the disk, the file that names who uses the device was not.
    std::fs::remove_file(phone.path().join("active")).unwrap();
    phone.restart();
    assert!(phone.call("status", json!({}))["person"].is_null());
    let enrol = |password: &str| json!({"invite": invite(), "nip": NIP, "password": password});
    assert!(phone.try_call("enrol", enrol("salah")).is_err(), "the work here is shown to nobody without the password");
    phone.call("enrol", enrol("rahasia-lama"));
    assert_eq!(phone.entries(), ["Rapat"]);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.world.office().devices.len(), 1, "under the key that was enrolled");
}
