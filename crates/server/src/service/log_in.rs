//! Log-in: who has this NIP and password. Tries are counted and slowed, for numbers that are nobody's too.

use std::sync::Arc;
use std::time::Duration;

use lentera_domain::{Nip, Timestamp};
use lentera_protocol::limits::PASSWORD_MAX;
use lentera_protocol::sync::Refusal;
use subtle::ConstantTimeEq;
use tokio::sync::OwnedSemaphorePermit;

use super::{BUSY_SECONDS, Failure, Service, passwords};
use crate::storage::{Person, Secrets, Storage, Try};

/// Tries before the first pause.
const FREE_TRIES: u32 = 5;
/// The first pause; each further try doubles it.
const FIRST_PAUSE: i64 = 30 * 1000;
/// The longest pause.
const LONGEST_PAUSE: i64 = 15 * 60 * 1000;
/// Nobody waits longer than this for a place to hash.
const PLACE_WAIT: Duration = Duration::from_secs(10);

/// A place among those who hash passwords; given back when the last hashing under it has ended, even if nobody waits for it any more.
pub(super) type Place = Arc<OwnedSemaphorePermit>;

/// A person who showed to be the one.
#[derive(Debug)]
pub struct LoggedIn {
    /// Who.
    pub person: Person,
    /// Hash of the new password to be set.
    pub new_password: Option<String>,
}

/// What was typed.
#[derive(Clone)]
pub struct Typed {
    /// NIP.
    pub nip: String,
    /// Password, first password, or one-time code.
    pub password: String,
    /// The new password; empty for none.
    pub new_password: String,
}

/// Milliseconds without tries after this many.
fn pause_after(tries: u32) -> i64 {
    match tries.checked_sub(FREE_TRIES) {
        None => 0,
        Some(doublings) => FIRST_PAUSE.checked_shl(doublings.min(16)).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE),
    }
}

impl<S: Storage> Service<S> {
    /// The person with this NIP and password.
    ///
    /// # Errors
    /// [`Refusal::WrongLogin`], [`Refusal::TooManyTries`]; [`Refusal::PasswordChangeNeeded`] where the password is not one to
    /// stay with and no new one came along; [`Refusal::WeakPassword`].
    pub(super) async fn log_in(&self, typed: Typed) -> Result<LoggedIn, Failure> {
        let nip = Nip::parse(&typed.nip).map_err(|_| Refusal::Malformed)?;
        if typed.password.len() > PASSWORD_MAX || typed.new_password.len() > PASSWORD_MAX {
            return Err(Refusal::Malformed.into());
        }
        // Before the try is counted: who finds no place has not tried.
        let place = self.hashing_place().await?;
        let now = self.now();
        let (tries, person) = match self.storage.begin_try(nip.clone(), now, pause_after).await? {
            Try::Paused(until) => return Err(Refusal::TooManyTries(until.millis()).into()),
            Try::Begun { tries, person } => (tries, person),
        };
        let secrets = person.as_ref().map(|person| person.secrets.clone());
        let shown = {
            let (nip, typed) = (nip.clone(), typed.clone());
            hash_aside(&place, move || compare(&nip, &typed, secrets.as_ref(), now)).await?
        };
        let (Some(person), Some(shown)) = (person, shown) else {
            let refusal = match FREE_TRIES.saturating_sub(tries) {
                0 => Refusal::TooManyTries(now.plus_millis(pause_after(tries)).millis()),
                left => Refusal::WrongLogin(left),
            };
            return Err(refusal.into());
        };
        self.storage.clear_tries(nip.clone()).await?;
        let new_password = match shown {
            // The answer to an earlier request was lost: it is set already.
            Shown::NewPassword => None,
            Shown::Password if typed.new_password.is_empty() => None,
            Shown::FirstPassword | Shown::Code if typed.new_password.is_empty() => {
                return Err(Refusal::PasswordChangeNeeded.into());
            }
            _ if passwords::is_weak(&typed.new_password, &typed.password, &nip) => return Err(Refusal::WeakPassword.into()),
            _ => Some(self.hash_password(&place, typed.new_password).await?),
        };
        Ok(LoggedIn { person, new_password })
    }

    /// A place to hash.
    ///
    /// # Errors
    /// [`Refusal::Busy`] where none becomes free.
    pub(super) async fn hashing_place(&self) -> Result<Place, Failure> {
        match tokio::time::timeout(PLACE_WAIT, Arc::clone(&self.hashing).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Arc::new(permit)),
            _ => Err(Refusal::Busy(BUSY_SECONDS).into()),
        }
    }

    /// The hash of a new password or code.
    pub(super) async fn hash_password(&self, place: &Place, password: String) -> Result<String, Failure> {
        let mut salt = [0; 16];
        self.clock.fill_random(&mut salt)?;
        hash_aside(place, move || passwords::hash(&password, salt)).await?
    }
}

/// Runs `work`, which hashes passwords, where it holds up nobody else.
async fn hash_aside<T: Send + 'static>(place: &Place, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let place = Arc::clone(place);
    Ok(tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    })
    .await?)
}

/// What of a person's secrets was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Password,
    FirstPassword,
    Code,
    NewPassword,
}

/// What of `secrets` was typed. Does the same work whatever there is to compare with, even if there is nobody.
fn compare(nip: &Nip, typed: &Typed, secrets: Option<&Secrets>, now: Timestamp) -> Option<Shown> {
    let password = secrets.and_then(|secrets| secrets.password.as_deref());
    let code = secrets.and_then(|secrets| secrets.code.as_ref()).filter(|code| now < code.until).map(|code| code.hash.as_str());
    let first_holds = secrets.is_some_and(|secrets| secrets.password.is_none());
    let is_password = passwords::is_kept_as(&typed.password, password);
    let is_code = passwords::is_kept_as(&passwords::typed_code(&typed.password), code);
    let is_new_password = passwords::is_kept_as(&typed.new_password, password);
    let is_first: bool = typed.password.as_bytes().ct_eq(nip.first_password().as_bytes()).into();
    if is_password {
        Some(Shown::Password)
    } else if is_first && first_holds {
        Some(Shown::FirstPassword)
    } else if is_code {
        Some(Shown::Code)
    } else if is_new_password {
        Some(Shown::NewPassword)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Office, SITI};
    use super::*;

    const MELATI: &str = "melati 88 biru";
    const NOBODY: &str = "198501012010011001";

    async fn log_in(office: &Office, nip: &str, password: &str, new_password: &str) -> Result<LoggedIn, Refusal> {
        let typed = Typed { nip: nip.into(), password: password.into(), new_password: new_password.into() };
        office.service.log_in(typed).await.map_err(Failure::into_refusal)
    }

    async fn refusal(office: &Office, nip: &str, password: &str, new_password: &str) -> Refusal {
        log_in(office, nip, password, new_password).await.unwrap_err()
    }

    async fn change(office: &Office, password: &str, new_password: &str) -> Result<(), Refusal> {
        let request = lentera_protocol::account::ChangePassword {
            nip: SITI.into(),
            password: password.into(),
            new_password: new_password.into(),
        };
        office.service.change_password(request).await.map(drop).map_err(Failure::into_refusal)
    }

    #[tokio::test]
    async fn a_password_has_a_longest_length() {
        let office = Office::open().await;
        let at = |length: usize| "n".repeat(length - 1) + "m";
        let (longest, beyond) = (at(PASSWORD_MAX), at(PASSWORD_MAX + 1));
        for (password, new_password) in [(beyond.as_str(), ""), ("19720315", beyond.as_str())] {
            assert_eq!(refusal(&office, SITI, password, new_password).await, Refusal::Malformed);
        }
        assert!(matches!(refusal(&office, SITI, &longest, "").await, Refusal::WrongLogin(_)));
        log_in(&office, SITI, "19720315", &longest).await.unwrap();
        assert_eq!(change(&office, "19720315", &longest).await, Ok(()));
        log_in(&office, SITI, &longest, "").await.unwrap();
    }

    #[tokio::test]
    async fn the_first_password_only_leads_to_a_new_one() {
        let office = Office::open().await;
        assert_eq!(refusal(&office, SITI, "19720315", "").await, Refusal::PasswordChangeNeeded);
        assert_eq!(refusal(&office, SITI, "19720315", "19720315").await, Refusal::WeakPassword);
        assert_eq!(change(&office, "19720315", "").await, Err(Refusal::WeakPassword));
        change(&office, "19720315", MELATI).await.unwrap();
        assert_eq!(log_in(&office, SITI, MELATI, "").await.unwrap().new_password, None);
        assert_eq!(refusal(&office, SITI, "19720315", "").await, Refusal::WrongLogin(4));
        // The answer was lost, the same is sent again.
        change(&office, "19720315", MELATI).await.unwrap();
        assert_eq!(refusal(&office, "19720315", "x", "").await, Refusal::Malformed);
    }

    #[tokio::test]
    async fn tries_are_counted_and_slowed_also_for_nobody() {
        let office = Office::open().await;
        for nip in [SITI, NOBODY] {
            let start = office.service.now();
            for left in (1..5).rev() {
                assert_eq!(refusal(&office, nip, "salah", "").await, Refusal::WrongLogin(left));
            }
            let until = start.plus_millis(30_000).millis();
            assert_eq!(refusal(&office, nip, "salah", "").await, Refusal::TooManyTries(until));
            // Even the right one is not looked at before its time.
            office.clock.pass(29_999);
            assert_eq!(refusal(&office, nip, "19720315", "").await, Refusal::TooManyTries(until));
            office.clock.pass(1);
            let until = office.service.now().plus_millis(60_000).millis();
            assert_eq!(refusal(&office, nip, "salah", "").await, Refusal::TooManyTries(until));
            office.clock.pass(60_000);
        }
        assert_eq!(refusal(&office, SITI, "19720315", "").await, Refusal::PasswordChangeNeeded);
        assert_eq!(refusal(&office, SITI, "salah", "").await, Refusal::WrongLogin(4));
        assert_eq!(pause_after(6), 60_000);
        assert_eq!((pause_after(10), pause_after(u32::MAX)), (LONGEST_PAUSE, LONGEST_PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_has_not_tried() {
        let office = Office::open().await;
        let places = [office.service.hashing_place().await.unwrap(), office.service.hashing_place().await.unwrap()];
        assert_eq!(refusal(&office, SITI, "salah", "").await, Refusal::Busy(BUSY_SECONDS));
        drop(places);
        assert_eq!(office.count("login_failure"), 0);
    }

    #[tokio::test]
    async fn a_one_time_code_works_once_and_seven_days() {
        let office = Office::open().await;
        let nip = Nip::parse(SITI).unwrap();
        assert_eq!(office.service.reset_password(Nip::parse(NOBODY).unwrap()).await.unwrap(), None);
        change(&office, "19720315", MELATI).await.unwrap();
        let code = office.service.reset_password(nip.clone()).await.unwrap().unwrap();
        assert_eq!(refusal(&office, SITI, &code, "").await, Refusal::PasswordChangeNeeded);
        change(&office, &code.to_lowercase(), "kenanga 99 putih").await.unwrap();
        assert_eq!(refusal(&office, SITI, &code, "").await, Refusal::WrongLogin(4));
        assert_eq!(refusal(&office, SITI, MELATI, "").await, Refusal::WrongLogin(3));
        let code = office.service.reset_password(nip).await.unwrap().unwrap();
        office.clock.pass(7 * 24 * 60 * 60 * 1000);
        assert_eq!(refusal(&office, SITI, &code, "").await, Refusal::WrongLogin(4));
    }
}
