-- What waits, what is held, what was said later, and streams that can be read newest first.

ALTER TABLE device ADD COLUMN frozen_at INTEGER; -- two bundles of one number were seen under its key
ALTER TABLE device ADD COLUMN counter INTEGER NOT NULL DEFAULT 0; -- highest of its requests
CREATE INDEX device_by_person ON device (nip);

-- The unit of a person from a scope epoch on.
CREATE TABLE scope (
    nip TEXT NOT NULL REFERENCES person (nip),
    epoch INTEGER NOT NULL,
    unit TEXT NOT NULL,
    PRIMARY KEY (nip, epoch)
) STRICT, WITHOUT ROWID;
INSERT INTO scope (nip, epoch, unit) SELECT nip, scope_epoch, unit FROM person;

-- A document is here from the first change of it that was kept in any way: without a home nothing was accepted yet.
CREATE TABLE document_2 (
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL, -- raised with everything that is kept of it
    owner TEXT,               -- NIP of the only one who may write it
    home TEXT,                -- name of the stream that carries it
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
INSERT INTO document_2 SELECT kind, id, version, owner, home FROM document;
DROP TABLE document;
ALTER TABLE document_2 RENAME TO document;

-- The writing device's clocks when the change was saved; absent for what came before they were kept.
ALTER TABLE change ADD COLUMN saved_wall INTEGER;
ALTER TABLE change ADD COLUMN saved_anchor INTEGER;
ALTER TABLE change ADD COLUMN saved_since INTEGER; -- by the boot clock, since the anchor was told

-- Changes that build on one that is not here.
CREATE TABLE waiting_change (
    device TEXT NOT NULL,
    bundle_number INTEGER NOT NULL,
    place INTEGER NOT NULL, -- in the bundle, from 0
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    needs BLOB NOT NULL,
    bytes BLOB NOT NULL,
    saved BLOB NOT NULL, -- CBOR of protocol::bundle::Stamp
    generation INTEGER NOT NULL,
    home TEXT NOT NULL, -- of the document, if this change makes it
    PRIMARY KEY (device, bundle_number, place),
    FOREIGN KEY (device, bundle_number) REFERENCES bundle (device, number),
    FOREIGN KEY (kind, id) REFERENCES document (kind, id)
) STRICT;
CREATE INDEX waiting_change_by_document ON waiting_change (kind, id);

-- Later words on bundles; the last one counts.
CREATE TABLE amendment (
    device TEXT NOT NULL,
    number INTEGER NOT NULL,
    bundle_number INTEGER NOT NULL,
    receipt BLOB NOT NULL,
    PRIMARY KEY (device, number),
    FOREIGN KEY (device, bundle_number) REFERENCES bundle (device, number)
) STRICT;
CREATE INDEX amendment_by_bundle ON amendment (device, bundle_number);

-- Parts of a device's change that is not whole yet.
CREATE TABLE part (
    device TEXT NOT NULL,
    bundle_number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    part BLOB NOT NULL, -- CBOR of protocol::bundle::Part
    bytes BLOB NOT NULL,
    PRIMARY KEY (device, bundle_number),
    FOREIGN KEY (device, bundle_number) REFERENCES bundle (device, number)
) STRICT;

-- Bundles of withdrawn or frozen devices, until their owner confirms them.
CREATE TABLE held (
    hash BLOB PRIMARY KEY,
    device TEXT NOT NULL REFERENCES device (id),
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX held_by_device ON held (device, number);

-- Bytes under examination when the process ended.
CREATE TABLE suspect (
    hash BLOB PRIMARY KEY,
    times INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Refused once each: the same bytes can be two changes, of two documents.
CREATE TABLE quarantine_2 (
    id INTEGER PRIMARY KEY,
    device TEXT NOT NULL,
    code TEXT NOT NULL,
    kind INTEGER,
    record TEXT,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    change_hash BLOB -- the name of a change
) STRICT;
INSERT INTO quarantine_2 SELECT id, device, code, kind, record, hash, bytes, received_at, NULL FROM quarantine;
DROP TABLE quarantine;
ALTER TABLE quarantine_2 RENAME TO quarantine;
CREATE UNIQUE INDEX quarantine_once ON quarantine (hash, code, device, coalesce(kind, -1), coalesce(record, ''));
CREATE INDEX quarantine_by_document ON quarantine (kind, record) WHERE kind IS NOT NULL;

-- A row is a change, which is kept once however many streams carry it, or a record of the server.
ALTER TABLE stream_row RENAME TO stream_row_1;
CREATE TABLE stream_row (
    stream INTEGER NOT NULL REFERENCES stream (id),
    position INTEGER NOT NULL,
    hash BLOB NOT NULL, -- chained: first 8 bytes of SHA-256(hash of the row before, CBOR of the row)
    change INTEGER REFERENCES change (seq),
    content TEXT, -- JSON of domain::server_record::ServerRecord
    PRIMARY KEY (stream, position),
    CHECK ((change IS NULL) <> (content IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX stream_row_by_change ON stream_row (change, stream) WHERE change IS NOT NULL;

-- The documents and records of a stream, by their first and last row in it.
CREATE TABLE stream_item (
    stream INTEGER NOT NULL REFERENCES stream (id),
    kind INTEGER NOT NULL, -- -1 for a record of the server
    id TEXT NOT NULL,      -- of the document; the key of the record
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (stream, kind, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX stream_item_by_first ON stream_item (stream, first);
