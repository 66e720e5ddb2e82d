//! `.lentera` files: what is unsent goes to the server by another way, and receipts come back.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lentera_api::view::{Exported, FileTaken};
use lentera_api::{Error, Event};
use lentera_domain::{Day, Timestamp};
use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::limits::{BUNDLE_MAX, FILE_MAX, PARCEL_MAX};
use lentera_protocol::parcel::{self, LenteraFile};
use lentera_protocol::sync::Sealed;
use lentera_protocol::{Hash, ProtocolError};

use crate::Engine;
use crate::platform::stamp;
use crate::store::identity::{self, Identity, KeyState};
use crate::store::{StoreError, bundle, courier, storage_error};
use crate::sync::exchange::receipts::{self, Receipted};
use crate::sync::exchange::seal;

/// How `.lentera` files end.
const ENDING: &str = "lentera";
/// Bytes of bundles or receipts in one file at most: with names, keys and lengths it stays within [`FILE_MAX`].
const CONTENT_MAX: usize = FILE_MAX - FILE_MAX / 8;
/// New files of one minute at most.
const NAMES_MAX: u32 = 1_000;

pub fn export_unsent(engine: &Engine, path: &str) -> Result<Exported, Error> {
    let export = |store: &mut crate::store::Store| {
        let mut identity = identity::find(store.read())?.ok_or(Error::NotEnrolled)?;
        if identity.key_state == KeyState::Good && seal::is_due(store.read())? {
            let stamp = stamp(&*engine.platform, identity.anchor);
            store.write(|transaction| seal::seal_waiting(transaction, &mut identity, stamp))?;
        }
        let mut left = CONTENT_MAX;
        let unreceipted = bundle::to_hand_over(store.read(), identity.device(), u64::MAX, usize::MAX)?.into_iter();
        // From the first on without gaps: the server takes a device's bundles in order. Frames and parcels add a few bytes to each.
        let bundles: Vec<Vec<u8>> = unreceipted
            .map(|kept| kept.sealed)
            .take_while(|sealed| match left.checked_sub(sealed.len() + PARCEL_MAX / 256) {
                Some(rest) => {
                    left = rest;
                    true
                }
                None => false,
            })
            .collect();
        Ok((identity, bundles))
    };
    let (identity, bundles) = engine.with_store(export)?.ok_or(Error::NotEnrolled)?;
    if bundles.is_empty() {
        return Err(Error::NothingToExport);
    }
    let parcels = parcel::pack(&bundles, &identity.server_key, |bytes| engine.platform.fill_random(bytes))
        .map_err(|error| Error::Internal { detail: error.to_string() })?;
    let file = LenteraFile::Parcels { server: fingerprint(&identity), parcels };
    write(engine, path, "belum-terkirim", &file, bundles.len())
}

pub fn export_receipts(engine: &Engine, path: &str) -> Result<Exported, Error> {
    let (server, receipts) =
        engine.read(|connection, identity| Ok((fingerprint(identity), courier::receipts(connection, CONTENT_MAX)?)))?;
    if receipts.is_empty() {
        return Err(Error::NothingToExport);
    }
    let count = receipts.len();
    let file = LenteraFile::Receipts { server, receipts: receipts.into_iter().map(Sealed).collect() };
    write(engine, path, "tanda-terima", &file, count)
}

pub fn take(engine: &Engine, content: &str) -> Result<FileTaken, Error> {
    let bad = |detail: &str| Error::BadFile { detail: detail.to_owned() };
    // Four letters stand for three bytes: too long a text is not even decoded.
    if content.len() > FILE_MAX / 3 * 4 + 8 {
        return Err(bad("too large"));
    }
    let bytes = STANDARD.decode(content.trim()).map_err(|error| bad(&error.to_string()))?;
    let file = LenteraFile::read(&bytes).map_err(|error| match error {
        ProtocolError::TooLarge => bad("too large"),
        other => bad(&other.to_string()),
    })?;
    let now = super::now(engine);
    let take = |store: &mut crate::store::Store| {
        store.write(|transaction| {
            let mut identity = identity::find(transaction)?.ok_or(Error::NotEnrolled)?;
            let (LenteraFile::Parcels { server, .. } | LenteraFile::Receipts { server, .. }) = &file;
            if *server != fingerprint(&identity) {
                return Err(Error::OtherServersFile);
            }
            match &file {
                LenteraFile::Parcels { parcels, .. } => take_parcels(transaction, parcels, now),
                LenteraFile::Receipts { receipts, .. } => Ok(take_receipts(transaction, &mut identity, receipts, now)?),
            }
        })
    };
    let taken = engine.with_store(take)?.ok_or(Error::NotEnrolled)?;
    engine.emit_light();
    if taken.receipts > 0 {
        engine.emit(Event::RecordsChanged);
    }
    if taken.parcels > 0 {
        engine.wake();
    }
    Ok(taken)
}

fn take_parcels(connection: &rusqlite::Connection, parcels: &[Sealed], now: Timestamp) -> Result<FileTaken, Error> {
    let mut taken = FileTaken { parcels: 0, receipts: 0 };
    for parcel in parcels {
        // As a frame of a request the server must be able to take it.
        let frame = Handed::Other(Other::Parcel(parcel.0.clone())).into_frame();
        if parcel.0.is_empty() || frame.len() > BUNDLE_MAX {
            return Err(Error::BadFile { detail: "a parcel's size".to_owned() });
        }
        taken.parcels += u32::from(courier::put_parcel(connection, &parcel.0, now)?);
    }
    // All of a file or nothing of it: it can be taken again later.
    if courier::waiting_bytes(connection)? > courier::WAITING_MAX { Err(Error::TooManyParcels) } else { Ok(taken) }
}

/// Each is taken exactly as from the network; those for others, or that say nothing new, are passed over.
fn take_receipts(
    connection: &rusqlite::Connection,
    identity: &mut Identity,
    sealed: &[Sealed],
    now: Timestamp,
) -> Result<FileTaken, StoreError> {
    let mut taken = FileTaken { parcels: 0, receipts: 0 };
    for receipt in sealed {
        if matches!(receipts::take(connection, identity, &receipt.0)?, Receipted::Ours { .. }) {
            taken.receipts += 1;
        }
    }
    if taken.receipts > 0 {
        identity::note_arrival(connection, now)?;
    }
    Ok(taken)
}

fn fingerprint(identity: &Identity) -> Hash {
    Hash::of(identity.server_key.as_bytes())
}

/// Writes a file beside its name and renames it, so that nobody carries half of one away.
fn write(engine: &Engine, path: &str, what: &str, file: &LenteraFile, count: usize) -> Result<Exported, Error> {
    let path = match path.trim() {
        "" => new_path(engine, what)?,
        path => PathBuf::from(path),
    };
    // Nothing that is not of this kind is ever written over.
    if path.extension().and_then(|ending| ending.to_str()) != Some(ENDING) {
        return Err(Error::BadArguments { detail: format!("path: must end in .{ENDING}") });
    }
    let bytes = file.write();
    write_whole(&path, &bytes).map_err(storage_error)?;
    Ok(Exported {
        path: path.display().to_string(),
        count: u32::try_from(count).unwrap_or(u32::MAX),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    })
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("lentera-part");
    let written = File::create(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        // Before the stick is pulled out.
        file.sync_all()
    });
    if let Err(error) = written {
        // What is left of it is of no use to anybody.
        let _ = fs::remove_file(&partial);
        return Err(error);
    }
    fs::rename(&partial, path)
}

/// A name that no file has, as `belum-terkirim 2026-11-23 10.05.lentera`, where people look for files.
fn new_path(engine: &Engine, what: &str) -> Result<PathBuf, Error> {
    let folder = engine.platform.documents_folder().unwrap_or_else(|| engine.folder.path().to_owned());
    fs::create_dir_all(&folder).map_err(storage_error)?;
    let now = super::now(engine);
    let day: Day = now.day();
    let name = format!("{what} {day} {}", now.time_of_day().to_string().replace(':', "."));
    let mut paths = (1..=NAMES_MAX).map(|number| match number {
        1 => folder.join(format!("{name}.{ENDING}")),
        _ => folder.join(format!("{name} ({number}).{ENDING}")),
    });
    paths.find(|path| !path.exists()).ok_or_else(|| Error::Storage { detail: "no free name".to_owned() })
}
