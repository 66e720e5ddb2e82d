-- Who uses this database and how the server knows this device. One row.
CREATE TABLE identity (
    only            INTEGER PRIMARY KEY CHECK (only = 1),
    employee        TEXT    NOT NULL,               -- JSON of domain::server_record::Employee, as of enrolment
    office          TEXT    NOT NULL,
    server          TEXT    NOT NULL,               -- address
    server_key      BLOB    NOT NULL,               -- the key that enrolment pinned
    device_seed     BLOB    NOT NULL,               -- of this device's signing key
    generation      INTEGER NOT NULL DEFAULT 0,     -- of this device's Automerge actor
    scope_epoch     INTEGER NOT NULL,
    request_counter INTEGER NOT NULL DEFAULT 0,
    anchor          INTEGER,                        -- last time the server told, ms since 1970
    arrived_at      INTEGER                         -- when the last receipt came, by this device's clock
) STRICT;

-- The truth: raw Automerge changes, in the order in which they were accepted here. Never deleted.
CREATE TABLE change (
    position INTEGER PRIMARY KEY,
    kind     INTEGER NOT NULL,
    id       BLOB    NOT NULL,
    hash     BLOB    NOT NULL UNIQUE,
    bytes    BLOB    NOT NULL,
    -- Only of changes written here:
    intent   TEXT,                                  -- the command, to write the change anew if it is refused
    saved    BLOB,                                  -- CBOR of protocol::bundle::Stamp
    bundle   INTEGER REFERENCES bundle (number),    -- null until sealed
    outcome  TEXT                                   -- null until the receipt: 'accepted', or the server's code
) STRICT;
CREATE INDEX change_of_record ON change (kind, id, position);
CREATE INDEX change_unsealed ON change (position) WHERE intent IS NOT NULL AND bundle IS NULL;
CREATE INDEX change_of_bundle ON change (bundle, position) WHERE bundle IS NOT NULL;
CREATE INDEX change_not_arrived ON change (id, kind, outcome) WHERE intent IS NOT NULL AND outcome IS NOT 'accepted';

-- Sealed bundles and their receipts, kept as this device's log of all it ever did.
CREATE TABLE bundle (
    number    INTEGER PRIMARY KEY,
    hash      BLOB    NOT NULL,
    sealed    BLOB    NOT NULL,
    sealed_at INTEGER NOT NULL,
    receipt   BLOB
) STRICT;
CREATE INDEX bundle_unreceipted ON bundle (number) WHERE receipt IS NULL;

-- Projections: made from the changes, and made anew by `rebuild`.
CREATE TABLE log_entry (
    id     BLOB    PRIMARY KEY,
    owner  TEXT    NOT NULL,
    day    TEXT    NOT NULL,
    start  INTEGER NOT NULL,
    words  TEXT    NOT NULL,                        -- lower case, for search
    body   TEXT    NOT NULL                         -- JSON of the record
) STRICT;
CREATE INDEX log_entry_by_day ON log_entry (owner, day, start);
CREATE TABLE umkm (
    id    BLOB PRIMARY KEY,
    name  TEXT NOT NULL,
    words TEXT NOT NULL,
    body  TEXT NOT NULL
) STRICT;
CREATE INDEX umkm_by_name ON umkm (name COLLATE NOCASE);
CREATE TABLE umkm_owner (
    id   BLOB PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE visit (
    id    BLOB    PRIMARY KEY,
    umkm  BLOB    NOT NULL,
    day   TEXT    NOT NULL,
    start INTEGER NOT NULL,
    body  TEXT    NOT NULL
) STRICT;
CREATE INDEX visit_by_umkm ON visit (umkm, day, start);

-- What the server alone writes: the newest of each key.
CREATE TABLE server_record (
    key  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- How far each stream was taken.
CREATE TABLE stream (
    stream   INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    hash     BLOB    NOT NULL
) STRICT;

-- Forms as typed so far, on this device only; and those set aside, kept for ever.
CREATE TABLE draft (
    name     TEXT    PRIMARY KEY,
    content  TEXT    NOT NULL,
    saved_at INTEGER NOT NULL
) STRICT;
CREATE TABLE draft_aside (
    position INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    content  TEXT    NOT NULL,
    saved_at INTEGER NOT NULL
) STRICT;

-- The last tries to send.
CREATE TABLE attempt (
    position INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    failed   TEXT,                                  -- api::view::Cause, null when it went through
    sent     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    millis   INTEGER NOT NULL
) STRICT;

-- What came from outside and could not be taken, whole, with the reason's code.
CREATE TABLE quarantine (
    position    INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    code        TEXT    NOT NULL,
    bytes       BLOB    NOT NULL UNIQUE
) STRICT;
