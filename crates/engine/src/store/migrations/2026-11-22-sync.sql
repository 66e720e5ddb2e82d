-- Sync that cannot lose: generations, keys that can be replaced, receipts that can be amended, rows that wait, rescue.

ALTER TABLE identity ADD COLUMN ca BLOB;                        -- DER of the one root that the server's certificate is trusted by; null: the public ones
ALTER TABLE identity ADD COLUMN anchor_boot_id INTEGER;         -- boot clock of this device when `anchor` was told
ALTER TABLE identity ADD COLUMN anchor_boot_millis INTEGER;
ALTER TABLE identity ADD COLUMN key_state TEXT NOT NULL DEFAULT 'good' CHECK (key_state IN ('good', 'frozen', 'unknown', 'rescued'));
ALTER TABLE identity ADD COLUMN amendment INTEGER;              -- number of the last amended receipt taken
ALTER TABLE identity ADD COLUMN server_last INTEGER;            -- number of the last bundle the server said it holds; null: it has not said yet

-- Bundles of all keys that this person had on this device.
CREATE TABLE bundle_of_all_keys (
    row       INTEGER PRIMARY KEY,
    device    BLOB    NOT NULL,                     -- filled by the code beside this file
    number    INTEGER NOT NULL,
    hash      BLOB    NOT NULL UNIQUE,
    sealed    BLOB    NOT NULL,
    sealed_at INTEGER NOT NULL,
    receipt   BLOB,                                 -- the last one, amended or not
    UNIQUE (device, number)
) STRICT;
INSERT INTO bundle_of_all_keys (row, device, number, hash, sealed, sealed_at, receipt)
    SELECT number, x'', number, hash, sealed, sealed_at, receipt FROM bundle;

CREATE TABLE change_of_all_keys (
    position     INTEGER PRIMARY KEY,
    kind         INTEGER NOT NULL,
    id           BLOB    NOT NULL,
    hash         BLOB    NOT NULL,                  -- names it within its document: equal records begin with equal changes
    bytes        BLOB    NOT NULL,
    saved        BLOB,                              -- CBOR of protocol::bundle::Stamp
    arrived_at   INTEGER,                           -- when the server accepted it, by its word
    author       TEXT,                              -- NIP; null: written here
    -- Only of changes written here:
    intent       TEXT,                              -- the command, to write the change anew if it is refused
    generation   INTEGER NOT NULL DEFAULT 0,        -- of the actor that wrote it
    bundle       INTEGER REFERENCES bundle (row),   -- null until sealed; of a change in parts that of the last
    outcome      TEXT,                              -- null until the receipt: 'accepted', 'need', 'replaced', or the server's code
    replaces     INTEGER REFERENCES change (position), -- the refused change that this one was written anew for
    dismissed_at INTEGER,                           -- refused, and the person has dealt with it
    UNIQUE (kind, id, hash)
) STRICT;
INSERT INTO change_of_all_keys (position, kind, id, hash, bytes, saved, intent, bundle, outcome)
    SELECT position, kind, id, hash, bytes, saved, intent, bundle, outcome FROM change;

DROP TABLE change;
DROP TABLE bundle;
ALTER TABLE bundle_of_all_keys RENAME TO bundle;
ALTER TABLE change_of_all_keys RENAME TO change;
CREATE INDEX change_of_record ON change (kind, id, position);
CREATE INDEX change_unsealed ON change (position) WHERE intent IS NOT NULL AND bundle IS NULL AND outcome IS NULL;
CREATE INDEX change_of_bundle ON change (bundle, position) WHERE bundle IS NOT NULL;
CREATE INDEX change_not_arrived ON change (id, kind, outcome) WHERE intent IS NOT NULL AND outcome IS NOT 'accepted';
CREATE INDEX change_replaces ON change (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX bundle_unreceipted ON bundle (device, number) WHERE receipt IS NULL;

-- While a stream's older rows are still being given, newest first: what first appeared below this is still to come.
ALTER TABLE stream ADD COLUMN below INTEGER;

-- Rows of streams that build on a change which is not here yet.
CREATE TABLE pending (
    position    INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    id          BLOB    NOT NULL,
    hash        BLOB    NOT NULL UNIQUE,            -- SHA-256 of all its bytes
    row         BLOB    NOT NULL                    -- CBOR of protocol::stream::Row
) STRICT;
CREATE INDEX pending_of_record ON pending (kind, id, position);

-- Foreign bytes that were being examined when the process ended, and how often that happened.
CREATE TABLE suspect (
    hash    BLOB    PRIMARY KEY,                    -- SHA-256 of all its bytes
    crashes INTEGER NOT NULL
) STRICT;

-- Damaged databases that were set aside and rescued.
CREATE TABLE rescue (
    position        INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    kept_at         TEXT    NOT NULL,
    changes         INTEGER NOT NULL,
    drafts          INTEGER NOT NULL,
    complete        INTEGER NOT NULL,
    acknowledged_at INTEGER
) STRICT;

-- Fields with two or more different values that nobody wrote over. A projection, as the tables of records.
CREATE TABLE conflict (
    kind  INTEGER NOT NULL,
    id    BLOB    NOT NULL,
    field TEXT    NOT NULL,
    body  TEXT    NOT NULL,                         -- JSON: a list of store::conflict::Value
    PRIMARY KEY (kind, id, field)
) STRICT;

-- A failed try that is like the one before is counted with it.
ALTER TABLE attempt ADD COLUMN last INTEGER;        -- when the last of them began; null: there was one
ALTER TABLE attempt ADD COLUMN count INTEGER NOT NULL DEFAULT 1;

-- Colleagues' parcels, to be handed over for them, and the receipts for them.
CREATE TABLE courier (
    position     INTEGER PRIMARY KEY,
    hash         BLOB    NOT NULL UNIQUE,           -- SHA-256 of the parcel
    parcel       BLOB    NOT NULL,                  -- emptied once delivered: the sender keeps its own until the receipt is there
    taken_at     INTEGER NOT NULL,
    delivered_at INTEGER
) STRICT;
CREATE INDEX courier_waiting ON courier (position) WHERE delivered_at IS NULL;
CREATE TABLE courier_receipt (
    position INTEGER PRIMARY KEY,
    hash     BLOB    NOT NULL UNIQUE,               -- SHA-256 of the receipt
    receipt  BLOB    NOT NULL,
    came_at  INTEGER NOT NULL
) STRICT;
