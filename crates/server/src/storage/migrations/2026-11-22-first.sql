-- The first schema. Ids of records and devices are text, so that an operator can read them; hashes and raw bytes are blobs;
-- times are milliseconds since 1970.

CREATE TABLE office (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL
) STRICT;

CREATE TABLE person (
    nip TEXT PRIMARY KEY,
    unit TEXT NOT NULL,
    body TEXT NOT NULL, -- JSON of domain::server_record::Employee
    password TEXT,      -- argon2id; null while the first password holds
    code TEXT,          -- argon2id of a one-time code
    code_until INTEGER,
    scope_epoch INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE region (
    code TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE log_rules (
    effective_from TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- Also for numbers that are no person's: whether a number exists must not show.
CREATE TABLE login_failure (
    nip TEXT PRIMARY KEY,
    tries INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    paused_until INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failure_by_age ON login_failure (last_at);

CREATE TABLE device (
    id TEXT PRIMARY KEY,
    nip TEXT NOT NULL REFERENCES person (nip),
    key BLOB NOT NULL,
    enrolled_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE TABLE bundle (
    device TEXT NOT NULL REFERENCES device (id),
    number INTEGER NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL,
    receipt BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (device, number)
) STRICT;

CREATE TABLE document (
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    owner TEXT,         -- NIP of the only one who may write it
    home TEXT NOT NULL, -- name of the stream that carries it, fixed by its first change
    PRIMARY KEY (kind, id)
) STRICT;

-- The truth: everything below it can be made again from it.
CREATE TABLE change (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    device TEXT NOT NULL,
    bundle_number INTEGER NOT NULL,
    UNIQUE (kind, id, hash),
    FOREIGN KEY (kind, id) REFERENCES document (kind, id),
    FOREIGN KEY (device, bundle_number) REFERENCES bundle (device, number)
) STRICT;

CREATE TABLE log_entry (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    day TEXT NOT NULL,
    status TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX log_entry_by_owner ON log_entry (owner, day);

CREATE TABLE umkm (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    village TEXT NOT NULL,
    unit TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX umkm_by_unit ON umkm (unit, village);

-- What UU 27/2022 protects, apart.
CREATE TABLE umkm_owner (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE visit (
    id TEXT PRIMARY KEY,
    umkm TEXT NOT NULL,
    officer TEXT NOT NULL,
    day TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX visit_by_officer ON visit (officer, day);
CREATE INDEX visit_by_umkm ON visit (umkm);

-- `position` and `hash` are those of the stream's last row, updated with it.
CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE stream_row (
    stream INTEGER NOT NULL REFERENCES stream (id),
    position INTEGER NOT NULL,
    hash BLOB NOT NULL, -- chained: first 8 bytes of SHA-256(hash of the row before, content)
    origin_device TEXT,
    content BLOB NOT NULL, -- CBOR of protocol::stream::Row
    PRIMARY KEY (stream, position)
) STRICT;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    code TEXT NOT NULL,
    kind INTEGER,
    record TEXT,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (hash, code, device)
) STRICT;
