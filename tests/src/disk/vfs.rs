//! The layer between SQLite and its own file system layer.
#![expect(unsafe_code, reason = "SQLite's file system layer is a C interface; nothing else in this project needs any")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, OnceLock};

use rusqlite::ffi;

use super::{Failure, Machine, Unsynced, machine_of};

/// The layer below ours.
static BELOW: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// An open file: SQLite's part first, then ours; behind it in memory lies the file of the layer below.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// From `Arc::into_raw`; null for files that are on no machine's disk.
    machine: *const Machine,
    inode: u64,
}

/// Makes this layer the process's default, once.
pub(super) fn register() -> io::Result<()> {
    static DONE: OnceLock<c_int> = OnceLock::new();
    let code = *DONE.get_or_init(|| {
        // SAFETY: SQLite's default layer exists for the whole process, and what is registered here is never freed or changed.
        unsafe {
            let below = ffi::sqlite3_vfs_find(ptr::null());
            if below.is_null() {
                return ffi::SQLITE_ERROR;
            }
            BELOW.store(below, Ordering::Release);
            let vfs = Box::leak(Box::new(ffi::sqlite3_vfs {
                iVersion: 2,
                szOsFile: size_of::<File>() as c_int + (*below).szOsFile,
                mxPathname: (*below).mxPathname,
                pNext: ptr::null_mut(),
                zName: c"disk".as_ptr(),
                pAppData: ptr::null_mut(),
                xOpen: Some(open),
                xDelete: Some(delete),
                xAccess: Some(access),
                xFullPathname: Some(full_pathname),
                xDlOpen: None,
                xDlError: None,
                xDlSym: None,
                xDlClose: None,
                xRandomness: Some(randomness),
                xSleep: Some(sleep),
                xCurrentTime: Some(current_time),
                xGetLastError: Some(last_error),
                xCurrentTimeInt64: Some(current_time_millis),
                xSetSystemCall: None,
                xGetSystemCall: None,
                xNextSystemCall: None,
            }));
            ffi::sqlite3_vfs_register(vfs, 1)
        }
    });
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(io::Error::other(format!("SQLite: code {code}"))) }
}

/// Calls a function of the layer below's table.
macro_rules! below {
    ($function:ident($($argument:expr),*)) => {{
        let below = BELOW.load(Ordering::Acquire);
        match (*below).$function {
            Some(function) => function(below, $($argument),*),
            None => ffi::SQLITE_ERROR,
        }
    }};
}

/// Calls a function of the file below's table.
macro_rules! file_below {
    ($file:expr, $function:ident($($argument:expr),*)) => {{
        let file = under($file);
        match (*(*file).pMethods).$function {
            Some(function) => function(file, $($argument),*),
            None => ffi::SQLITE_ERROR,
        }
    }};
}

/// The file of the layer below.
unsafe fn under(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite allocated `szOsFile` bytes, so it lies right behind ours.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Our part of an open file.
unsafe fn ours<'a>(file: *mut ffi::sqlite3_file) -> &'a File {
    // SAFETY: `open` wrote it, and SQLite hands over only files that it opened and did not close yet.
    unsafe { &*file.cast::<File>() }
}

/// The machine whose file it is.
unsafe fn machine<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a Machine> {
    // SAFETY: `open` took a count of the machine, which `close` gives back.
    unsafe { ours(file).machine.as_ref() }
}

unsafe fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: SQLite's names end with a zero and outlive the call.
    (!name.is_null()).then(|| unsafe { Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())) })
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls with a name that lives as long as the file, and room for `szOsFile` bytes at `file`.
    unsafe {
        (*file).pMethods = ptr::null();
        let found = path_of(name).and_then(machine_of);
        if found.as_ref().is_some_and(|machine| machine.state().is_down) {
            return ffi::SQLITE_CANTOPEN;
        }
        let code = below!(xOpen(name, under(file), flags, out_flags));
        if code != ffi::SQLITE_OK {
            return code;
        }
        let inode = path_of(name).and_then(|path| fs::metadata(path).ok()).map_or(0, |metadata| metadata.ino());
        let machine = found.map_or(ptr::null(), |machine| {
            machine.state().open += 1;
            Arc::into_raw(machine)
        });
        file.cast::<File>().write(File { base: ffi::sqlite3_file { pMethods: &raw const METHODS }, machine, inode });
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe {
        if let Some(machine) = path_of(name).and_then(machine_of)
            && !matches!(machine.state().step(), Ok(false))
        {
            return ffi::SQLITE_IOERR_DELETE;
        }
        below!(xDelete(name, sync_folder))
    }
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, name: *const c_char, flags: c_int, found: *mut c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { below!(xAccess(name, flags, found)) }
}

unsafe extern "C" fn full_pathname(_: *mut ffi::sqlite3_vfs, name: *const c_char, room: c_int, full: *mut c_char) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { below!(xFullPathname(name, room, full)) }
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, count: c_int, bytes: *mut c_char) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { below!(xRandomness(count, bytes)) }
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { below!(xSleep(microseconds)) }
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, time: *mut f64) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { below!(xCurrentTime(time)) }
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, room: c_int, text: *mut c_char) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { below!(xGetLastError(room, text)) }
}

unsafe extern "C" fn current_time_millis(_: *mut ffi::sqlite3_vfs, time: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { below!(xCurrentTimeInt64(time)) }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the last call for this file: the count of its machine is given back.
    unsafe {
        let code = file_below!(file, xClose());
        let machine = ours(file).machine;
        if !machine.is_null() {
            let machine = Arc::from_raw(machine);
            machine.state().open -= 1;
            machine.closed.notify_all();
        }
        code
    }
}

/// Whether the machine has no power.
unsafe fn is_down(file: *mut ffi::sqlite3_file) -> bool {
    // SAFETY: as in `machine`.
    unsafe { machine(file) }.is_some_and(|machine| machine.state().is_down)
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, bytes: *mut c_void, count: c_int, offset: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe {
        if is_down(file) {
            return ffi::SQLITE_IOERR_READ;
        }
        file_below!(file, xRead(bytes, count, offset))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite hands over `count` bytes.
    unsafe {
        let Some(machine) = machine(file) else { return file_below!(file, xWrite(bytes, count, offset)) };
        let mut state = machine.state();
        let cut = match state.find_room().and_then(|()| state.step()) {
            Ok(cut) => cut,
            Err(Failure::Full) => return ffi::SQLITE_FULL,
            Err(Failure::NoPower) => return ffi::SQLITE_IOERR_WRITE,
        };
        let length = length(file);
        let old = content(file, offset.unsigned_abs(), count.unsigned_abs() as usize, length);
        let code = file_below!(file, xWrite(bytes, count, offset));
        if code != ffi::SQLITE_OK {
            return code;
        }
        let new = std::slice::from_raw_parts(bytes.cast::<u8>(), count.unsigned_abs() as usize).to_vec();
        let written = Unsynced { length, offset: offset.unsigned_abs(), old, new: Some(new) };
        state.unsynced.entry(ours(file).inode).or_default().push(written);
        if cut { ffi::SQLITE_IOERR_WRITE } else { ffi::SQLITE_OK }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe {
        let Some(machine) = machine(file) else { return file_below!(file, xTruncate(size)) };
        let mut state = machine.state();
        let Ok(cut) = state.step() else { return ffi::SQLITE_IOERR_TRUNCATE };
        let length = length(file);
        let offset = size.unsigned_abs();
        let old = content(file, offset, usize::try_from(length.saturating_sub(offset)).unwrap_or_default(), length);
        let code = file_below!(file, xTruncate(size));
        if code != ffi::SQLITE_OK {
            return code;
        }
        state.unsynced.entry(ours(file).inode).or_default().push(Unsynced { length, offset, old, new: None });
        if cut { ffi::SQLITE_IOERR_TRUNCATE } else { ffi::SQLITE_OK }
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe {
        let Some(machine) = machine(file) else { return file_below!(file, xSync(flags)) };
        let mut state = machine.state();
        if !matches!(state.step(), Ok(false)) {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        if !state.skips_sync {
            state.unsynced.remove(&ours(file).inode);
        }
        ffi::SQLITE_OK
    }
}

/// The file's length.
unsafe fn length(file: *mut ffi::sqlite3_file) -> u64 {
    // SAFETY: as in `under`.
    unsafe {
        let mut length = 0;
        let code = file_below!(file, xFileSize(&raw mut length));
        if code == ffi::SQLITE_OK { length.unsigned_abs() } else { 0 }
    }
}

/// What stands in the file from `offset` on, at most `count` bytes.
unsafe fn content(file: *mut ffi::sqlite3_file, offset: u64, count: usize, length: u64) -> Vec<u8> {
    let count = count.min(usize::try_from(length.saturating_sub(offset)).unwrap_or_default());
    let mut bytes = vec![0; count];
    if count > 0 {
        // SAFETY: `bytes` has room for `count` bytes.
        unsafe { file_below!(file, xRead(bytes.as_mut_ptr().cast(), count as c_int, offset.cast_signed())) };
    }
    bytes
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xFileSize(size)) }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, kind: c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { if is_down(file) { ffi::SQLITE_IOERR_LOCK } else { file_below!(file, xLock(kind)) } }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, kind: c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xUnlock(kind)) }
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, locked: *mut c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xCheckReservedLock(locked)) }
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xFileControl(operation, argument)) }
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xSectorSize()) }
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xDeviceCharacteristics()) }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    memory: *mut *mut c_void,
) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe {
        if is_down(file) {
            return ffi::SQLITE_IOERR_SHMMAP;
        }
        file_below!(file, xShmMap(page, size, extend, memory))
    }
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xShmLock(offset, count, flags)) }
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as handed over by SQLite.
    unsafe {
        let file = under(file);
        if let Some(barrier) = (*(*file).pMethods).xShmBarrier {
            barrier(file);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: as handed over by SQLite.
    unsafe { file_below!(file, xShmUnmap(delete)) }
}
