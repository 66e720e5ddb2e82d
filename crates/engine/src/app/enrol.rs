//! Enrolling this device, and passwords.

use ed25519_dalek::{SigningKey, VerifyingKey};
use lentera_api::view::{Done, Status};
use lentera_api::{ChangePassword, Enrol, Error, Invite};
use lentera_domain::server_record::Employee;
use lentera_domain::{Nip, Timestamp};
use lentera_protocol::account::{self, EnrolAnswer, Hello, HelloAnswer, PasswordChanged};
use lentera_protocol::limits::PASSWORD_MIN;
use lentera_protocol::sign::{peek, sign, verify};
use lentera_protocol::sync::{Refusal, Reply};
use lentera_protocol::{VERSION, encode};
use zeroize::Zeroizing;

use crate::Engine;
use crate::platform::{Response, TransportError, random};
use crate::store::Store;
use crate::store::identity::{self, Identity};

pub async fn enrol(engine: &Engine, command: &Enrol) -> Result<Status, Error> {
    let invite = Invite::parse(&command.invite)?;
    let nip = Nip::parse(&command.nip)?;
    if is_enrolled(engine, &nip) {
        return Err(Error::AlreadyEnrolled);
    }
    let hello = greet(engine, &invite.address, invite.fingerprint_bytes().unwrap_or_default()).await?;
    let server_key = VerifyingKey::from_bytes(&hello.key).map_err(|_| Error::NotOurServer)?;
    let seed = Zeroizing::new(random::<32>(&*engine.platform));
    let device_key = SigningKey::from_bytes(&seed);
    let request = account::Enrol {
        version: VERSION,
        nip: nip.to_string(),
        password: command.password.clone(),
        new_password: command.new_password.clone(),
        key: device_key.verifying_key().to_bytes(),
    };
    let response = post(engine, &invite.address, "/v1/enrol", sign(&request, &device_key)).await?;
    let answer: EnrolAnswer = read_reply(&response, &server_key)?;
    let employee: Employee =
        serde_json::from_str(&answer.employee).map_err(|error| Error::Internal { detail: format!("employee: {error}") })?;
    let folder = super::new_id(engine);
    let mut store = Store::open(&engine.folder.make_person(folder)?)?;
    let identity = Identity {
        employee,
        office: hello.office,
        server: invite.address,
        server_key,
        device_key,
        generation: 0,
        scope_epoch: answer.scope_epoch,
        anchor: Some(Timestamp::from_millis(answer.time)),
        arrived_at: None,
    };
    store.write(|transaction| Ok::<_, Error>(identity::insert(transaction, &identity)?))?;
    engine.folder.set_active(folder)?;
    engine.use_store(store);
    engine.emit_light();
    engine.wake();
    super::status::status(engine)
}

pub async fn change_password(engine: &Engine, command: &ChangePassword) -> Result<Done, Error> {
    let (nip, server, server_key) =
        engine.read(|_, identity| Ok((identity.employee.nip.to_string(), identity.server.clone(), identity.server_key)))?;
    greet(engine, &server, lentera_protocol::Hash::of(server_key.as_bytes()).0).await?;
    let request = account::ChangePassword { nip, password: command.password.clone(), new_password: command.new_password.clone() };
    let response = post(engine, &server, "/v1/password", encode(&request)).await?;
    read_reply::<PasswordChanged>(&response, &server_key)?;
    Ok(Done {})
}

/// Makes the server show that it has the key of `fingerprint`: no password goes to any other.
async fn greet(engine: &Engine, address: &str, fingerprint: [u8; 32]) -> Result<HelloAnswer, Error> {
    let nonce = random(&*engine.platform);
    let response = post(engine, address, "/v1/hello", encode(&Hello { nonce })).await?;
    let claimed: HelloAnswer = peek(&response.body).map_err(|_| Error::WrongAddress)?;
    let key = VerifyingKey::from_bytes(&claimed.key).map_err(|_| Error::WrongAddress)?;
    let hello = verify::<HelloAnswer>(&response.body, &key).map_err(|_| Error::WrongAddress)?.into_inner();
    if hello.nonce != nonce || hello.fingerprint().0 != fingerprint {
        return Err(Error::NotOurServer);
    }
    if hello.versions.0 > VERSION { Err(Error::AppTooOld) } else { Ok(hello) }
}

async fn post(engine: &Engine, address: &str, path: &str, body: Vec<u8>) -> Result<Response, Error> {
    let url = format!("{}{path}", address.trim_end_matches('/'));
    engine.platform.post(url, body).await.map_err(|error| match error {
        TransportError::Unreachable => Error::ServerUnreachable,
        TransportError::BadAddress | TransportError::BadAnswer => Error::WrongAddress,
    })
}

fn read_reply<T: for<'b> minicbor::Decode<'b, ()>>(response: &Response, server_key: &VerifyingKey) -> Result<T, Error> {
    if response.status == 503 {
        return Err(Error::ServerBusy);
    }
    match verify::<Reply<T>>(&response.body, server_key).map_err(|_| Error::NotOurServer)?.into_inner() {
        Reply::Done(answer) => Ok(answer),
        Reply::Refused(refusal) => Err(match refusal {
            Refusal::WrongLogin(tries_left) => Error::WrongLogin { tries_left },
            Refusal::TooManyTries(until) => Error::TooManyTries { until: Timestamp::from_millis(until) },
            Refusal::PasswordChangeNeeded => Error::PasswordChangeNeeded,
            Refusal::WeakPassword => Error::WeakPassword { min: PASSWORD_MIN },
            Refusal::Version => Error::AppTooOld,
            Refusal::Revoked | Refusal::UnknownDevice => Error::DeviceRevoked,
            Refusal::Busy(_) => Error::ServerBusy,
            Refusal::Malformed | Refusal::Internal => Error::Internal { detail: format!("server: {refusal:?}") },
        }),
    }
}

/// Whether `nip` is enrolled in this data folder.
fn is_enrolled(engine: &Engine, nip: &Nip) -> bool {
    let owner = |database: &std::path::PathBuf| identity::find(Store::open(database).ok()?.read()).ok()?;
    engine.folder.databases().iter().filter_map(owner).any(|identity| identity.employee.nip == *nip)
}
