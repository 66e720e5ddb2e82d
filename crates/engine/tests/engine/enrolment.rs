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
fn a_server_that_has_moved_is_found_by_a_new_invite() {
    let phone = Phone::enrolled();
    phone.add("Rapat");
    let old = serde_json::from_str::<serde_json::Value>(&invite()).unwrap()["address"].as_str().unwrap().to_owned();
    // Nobody is there any more, and later somebody else.
    let gone = old.clone();
    *phone.world.impostor.borrow_mut() =
        Box::new(move |url, _| url.starts_with(&gone).then(|| Response { status: 404, body: vec![], retry_after: None }));
    assert_eq!(phone.sync()["cause"], "wrong_address");
    let take = |text: String| phone.try_call("take_invite", json!({"invite": text}));
    let moved = invite().replace(&old, "https://kantor.example:8443");
    let others = moved.replace(&Hash::of(Office::key().verifying_key().as_bytes()).to_string(), &"00".repeat(32));
    assert_eq!(take(others), Err(Error::OtherServersInvite));
    assert!(matches!(take("halo".into()), Err(Error::BadInvite { .. })));
    // What has not shown the office's key is not gone to.
    phone.world.link.set(Link::Down);
    assert_eq!(take(moved.clone()), Err(Error::ServerUnreachable));
    phone.world.link.set(Link::Up);
    assert_eq!(take(invite()), Err(Error::WrongAddress));
    assert_eq!(phone.call("status", json!({}))["person"]["server"], old.as_str());
    let status = take(moved).unwrap();
    assert_eq!(status["person"]["server"], "https://kantor.example:8443");
    assert_eq!(phone.sync()["light"]["waiting"], 0);
}

#[test]
fn who_comes_back_to_a_shared_device_brings_the_newest_invite_of_the_same_office() {
    let phone = Phone::enrolled();
    phone.add("Rapat");
    let enrol = |invite: &str, nip: &str| phone.try_call("enrol", json!({"invite": invite, "nip": nip, "password": "x"}));
    enrol(&invite(), "198506152010011000").unwrap();
    let old = serde_json::from_str::<serde_json::Value>(&invite()).unwrap()["address"].as_str().unwrap().to_owned();
    let status = enrol(&invite().replace(&old, "https://kantor.example"), NIP).unwrap();
    assert_eq!(status["person"]["server"], "https://kantor.example");
    assert_eq!(phone.sync()["light"]["waiting"], 0);
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
