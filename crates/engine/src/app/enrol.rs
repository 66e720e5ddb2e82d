//! Enrolling this device, and passwords.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{SigningKey, VerifyingKey};
use lentera_api::view::{Done, Status};
use lentera_api::{ChangePassword, Enrol, Error, Event, Invite, LogInAgain, TakeInvite};
use lentera_domain::server_record::Employee;
use lentera_domain::{Nip, Timestamp};
use lentera_protocol::account::{self, EnrolAnswer, Hello, HelloAnswer, PasswordChanged};
use lentera_protocol::limits::PASSWORD_MIN;
use lentera_protocol::sign::{peek, sign, verify};
use lentera_protocol::sync::{Refusal, Reply};
use lentera_protocol::{DeviceId, Hash, VERSION, encode};
use rusqlite::Connection;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Engine;
use crate::platform::{Post, Response, TransportError, random};
use crate::store::identity::{self, Anchor, Identity, KeyState};
use crate::store::{Store, StoreError, bundle, rescue, stream};
use crate::sync::exchange::reissue;

pub async fn enrol(engine: &Engine, command: &Enrol) -> Result<Status, Error> {
    let invite = Invite::parse(&command.invite)?;
    let nip = Nip::parse(&command.nip)?;
    let place = find_place(engine, &nip)?;
    let server = Server::invited(invite)?;
    let hello = greet(engine, &server).await?;
    let server_key = VerifyingKey::from_bytes(&hello.key).map_err(|_| Error::NotOurServer)?;
    if matches!(&place, Place::Enrolled(_, _, before) if before.server_key != server_key) {
        return Err(Error::OtherServersInvite);
    }
    let kept = match &place {
        Place::Enrolled(_, _, before) if before.key_state != KeyState::Frozen => Some(before.device_key.clone()),
        _ => None,
    };
    let login = Login { nip: &nip, password: &command.password, new_password: &command.new_password };
    let (device_key, answer) = enrol_key(engine, &server, &server_key, kept, login).await?;
    let employee: Employee =
        serde_json::from_str(&answer.employee).map_err(|error| Error::Internal { detail: format!("employee: {error}") })?;
    let identity = Identity {
        employee,
        office: hello.office,
        server: server.address,
        ca: server.ca,
        server_key,
        device_key,
        key_state: KeyState::Good,
        generation: 0,
        scope_epoch: answer.scope_epoch,
        anchor: Some(anchor(engine, &answer)),
        arrived_at: None,
        amendment: None,
        server_last: None,
    };
    let insert = |store: &mut Store| {
        store.write(|transaction| {
            identity::insert(transaction, &identity)?;
            // Of a new database there is nothing; of one whose identity was lost, what was typed there goes on.
            reissue::under_new_key(transaction, &identity)?;
            bundle::return_earlier_keys(transaction, identity.device())
        })
    };
    let (folder, store) = match place {
        Place::Enrolled(folder, mut store, _) => {
            store.write(|transaction| {
                identity::set_server(transaction, &identity.server, identity.ca.as_deref())?;
                go_on(transaction, &identity.device_key, &answer, anchor(engine, &answer))
            })?;
            (folder, store)
        }
        Place::Lost(folder, mut store) => {
            insert(&mut store)?;
            (folder, store)
        }
        Place::New => {
            let folder = super::new_id(engine);
            let mut store = Store::open(&engine.folder.make_person(folder)?, super::now(engine))?;
            insert(&mut store)?;
            (folder, store)
        }
    };
    engine.folder.set_active(folder)?;
    engine.use_store(store);
    engine.emit_light();
    engine.wake();
    super::status::status(engine)
}

/// Enrols a new key for the person, where the server does not take the old one any more, or the old one again, where the server has
/// forgotten it.
pub async fn log_in_again(engine: &Engine, command: &LogInAgain) -> Result<Status, Error> {
    // An answer to a request under the old key must not come in between.
    let _no_exchange = engine.exchanging.lock().await;
    let (nip, server, server_key, kept) = engine.read(|_, identity| {
        let forgotten = (identity.key_state == KeyState::Unknown).then(|| identity.device_key.clone());
        if identity.key_state == KeyState::Good {
            return Err(Error::AlreadyEnrolled);
        }
        Ok((identity.employee.nip.clone(), Server::of(identity), identity.server_key, forgotten))
    })?;
    greet(engine, &server).await?;
    let login = Login { nip: &nip, password: &command.password, new_password: &command.new_password };
    let (device_key, answer) = enrol_key(engine, &server, &server_key, kept, login).await?;
    let anchor = anchor(engine, &answer);
    let go_on = |store: &mut Store| Ok(store.write(|transaction| go_on(transaction, &device_key, &answer, anchor))?);
    engine.with_store(go_on)?.ok_or(Error::NotEnrolled)?;
    engine.emit_light();
    engine.emit(Event::RecordsChanged);
    engine.wake();
    super::status::status(engine)
}

/// A database goes on under the key that was enrolled, its own or another.
fn go_on(connection: &Connection, key: &SigningKey, answer: &EnrolAnswer, anchor: Anchor) -> Result<(), StoreError> {
    let before = identity::find(connection)?.ok_or(StoreError::Damaged("identity"))?;
    let is_new = before.device_key != *key;
    if !is_new && before.key_state != KeyState::Unknown {
        return bundle::ask_about_earlier_keys(connection, before.device());
    }
    identity::set_key_state(connection, KeyState::Good)?;
    // The server holds nothing of this key: it is given all again, or what was not receipted under the new one.
    identity::note_answer(connection, answer.scope_epoch, anchor, 0)?;
    if is_new {
        identity::set_key(connection, key)?;
        // The old key was not given its own rows, and this device may lack them: its disk was set back, or rescued in part.
        stream::clear(connection)?;
        let identity = identity::find(connection)?.ok_or(StoreError::Damaged("identity"))?;
        reissue::under_new_key(connection, &identity)?;
    }
    let present = DeviceId::of_key(key.verifying_key().as_bytes());
    bundle::ask_about_earlier_keys(connection, present)?;
    // Whether the server was restored from a backup since an earlier key was last heard of, only this shows.
    bundle::return_earlier_keys(connection, present)
}

/// The server has another address or certificate, and proves with its key that it is the same.
pub async fn take_invite(engine: &Engine, command: &TakeInvite) -> Result<Status, Error> {
    let server = Server::invited(Invite::parse(&command.invite)?)?;
    if engine.read(|_, identity| Ok(Server::of(identity).fingerprint))? != server.fingerprint {
        return Err(Error::OtherServersInvite);
    }
    greet(engine, &server).await?;
    let set = |store: &mut Store| {
        Ok(store.write(|transaction| identity::set_server(transaction, &server.address, server.ca.as_deref()))?)
    };
    engine.with_store(set)?.ok_or(Error::NotEnrolled)?;
    engine.wake();
    super::status::status(engine)
}

pub async fn change_password(engine: &Engine, command: &ChangePassword) -> Result<Done, Error> {
    let (nip, server, server_key) =
        engine.read(|_, identity| Ok((identity.employee.nip.to_string(), Server::of(identity), identity.server_key)))?;
    greet(engine, &server).await?;
    let request = account::ChangePassword { nip, password: command.password.clone(), new_password: command.new_password.clone() };
    let response = post(engine, &server, "/v1/password", encode(&request)).await?;
    done(read_reply::<PasswordChanged>(&response, &server_key)?)?;
    Ok(Done {})
}

/// Where a server is and how to know it.
struct Server {
    address: String,
    ca: Option<Vec<u8>>,
    fingerprint: Hash,
}

impl Server {
    /// The one of an invite.
    fn invited(invite: Invite) -> Result<Self, Error> {
        let fingerprint = Hash(invite.fingerprint_bytes().unwrap_or_default());
        Ok(Self { ca: read_ca(&invite.ca)?, fingerprint, address: invite.address })
    }

    /// The one that enrolment pinned.
    fn of(identity: &Identity) -> Self {
        let fingerprint = Hash::of(identity.server_key.as_bytes());
        Self { address: identity.server.clone(), ca: identity.ca.clone(), fingerprint }
    }
}

/// The authority of an invite: DER, base64.
fn read_ca(ca: &str) -> Result<Option<Vec<u8>>, Error> {
    let bad = |error: base64::DecodeError| Error::BadInvite { detail: format!("ca: {error}") };
    if ca.is_empty() { Ok(None) } else { BASE64.decode(ca).map(Some).map_err(bad) }
}

/// Who enrols.
#[derive(Clone, Copy)]
struct Login<'a> {
    nip: &'a Nip,
    password: &'a str,
    new_password: &'a str,
}

/// Enrols a key: the one that was `kept`, where the server still takes it, else a new one. Gives which.
async fn enrol_key(
    engine: &Engine,
    server: &Server,
    server_key: &VerifyingKey,
    kept: Option<SigningKey>,
    login: Login<'_>,
) -> Result<(SigningKey, EnrolAnswer), Error> {
    let ask = async |key: &SigningKey| {
        let request = account::Enrol {
            version: VERSION,
            nip: login.nip.to_string(),
            password: login.password.to_owned(),
            new_password: login.new_password.to_owned(),
            key: key.verifying_key().to_bytes(),
        };
        read_reply(&post(engine, server, "/v1/enrol", sign(&request, key)).await?, server_key)
    };
    if let Some(key) = kept {
        match ask(&key).await? {
            Reply::Refused(Refusal::KeyFrozen) => {}
            reply => return Ok((key, done(reply)?)),
        }
    }
    let key = SigningKey::from_bytes(&Zeroizing::new(random::<32>(&*engine.platform)));
    let answer = done(ask(&key).await?)?;
    Ok((key, answer))
}

/// The time that an enrolment told.
fn anchor(engine: &Engine, answer: &EnrolAnswer) -> Anchor {
    Anchor { time: Timestamp::from_millis(answer.time), boot: engine.platform.boot() }
}

/// Makes the server show that it has the key of its fingerprint: no password goes to any other.
async fn greet(engine: &Engine, server: &Server) -> Result<HelloAnswer, Error> {
    let nonce = random(&*engine.platform);
    let response = post(engine, server, "/v1/hello", encode(&Hello { nonce })).await?;
    let claimed: HelloAnswer = peek(&response.body).map_err(|_| Error::WrongAddress)?;
    let key = VerifyingKey::from_bytes(&claimed.key).map_err(|_| Error::WrongAddress)?;
    let hello = verify::<HelloAnswer>(&response.body, &key).map_err(|_| Error::WrongAddress)?.into_inner();
    if hello.nonce != nonce || hello.fingerprint() != server.fingerprint {
        return Err(Error::NotOurServer);
    }
    if hello.versions.0 > VERSION { Err(Error::AppTooOld) } else { Ok(hello) }
}

async fn post(engine: &Engine, server: &Server, path: &str, body: Vec<u8>) -> Result<Response, Error> {
    let url = format!("{}{path}", server.address.trim_end_matches('/'));
    engine.platform.post(Post { url, body, ca: server.ca.clone() }).await.map_err(|error| match error {
        TransportError::Unreachable | TransportError::CutOff | TransportError::ClockWrong => Error::ServerUnreachable,
        TransportError::NotOurServer => Error::NotOurServer,
        TransportError::BadAddress | TransportError::BadAnswer => Error::WrongAddress,
    })
}

fn read_reply<T: for<'b> minicbor::Decode<'b, ()>>(response: &Response, server_key: &VerifyingKey) -> Result<Reply<T>, Error> {
    if response.status == 503 {
        return Err(Error::ServerBusy);
    }
    Ok(verify::<Reply<T>>(&response.body, server_key).map_err(|_| Error::NotOurServer)?.into_inner())
}

/// What was asked for, or why not.
fn done<T>(reply: Reply<T>) -> Result<T, Error> {
    let refusal = match reply {
        Reply::Done(answer) => return Ok(answer),
        Reply::Refused(refusal) => refusal,
    };
    Err(match refusal {
        Refusal::WrongLogin(tries_left) => Error::WrongLogin { tries_left },
        Refusal::TooManyTries(until) => Error::TooManyTries { until: Timestamp::from_millis(until) },
        Refusal::PasswordChangeNeeded => Error::PasswordChangeNeeded,
        Refusal::WeakPassword => Error::WeakPassword { min: PASSWORD_MIN },
        Refusal::Version => Error::AppTooOld,
        Refusal::Revoked | Refusal::UnknownDevice => Error::DeviceRevoked,
        Refusal::Busy(_) => Error::ServerBusy,
        Refusal::Malformed | Refusal::Internal | Refusal::KeyFrozen | Refusal::Replayed(_) => {
            Error::Internal { detail: format!("server: {refusal:?}") }
        }
    })
}

/// Where a person's database is in this data folder.
enum Place {
    /// Nowhere yet.
    New,
    /// Here, but its identity was lost with damaged pages: what the person typed there goes on.
    Lost(Uuid, Store),
    /// Here and not in use: another person was enrolled since, or the power went at the end of the enrolment. It goes on.
    Enrolled(Uuid, Store, Box<Identity>),
}

fn find_place(engine: &Engine, nip: &Nip) -> Result<Place, Error> {
    let active = engine.folder.active_database();
    let mut place = Place::New;
    for (folder, database) in engine.folder.people() {
        let is_active = active.as_ref() == Some(&database);
        let Ok(store) = Store::open(&database, super::now(engine)) else { continue };
        match identity::find(store.read()) {
            Ok(Some(identity)) if identity.employee.nip == *nip => {
                if is_active {
                    return Err(Error::AlreadyEnrolled);
                }
                return Ok(Place::Enrolled(folder, store, Box::new(identity)));
            }
            Ok(None) => {
                let owner = rescue::owner(store.read())?;
                if owner.map_or(is_active, |owner| owner == *nip) {
                    place = Place::Lost(folder, store);
                }
            }
            _ => {}
        }
    }
    Ok(place)
}
