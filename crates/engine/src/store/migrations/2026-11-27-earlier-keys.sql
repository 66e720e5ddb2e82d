-- Bundles of this person's earlier keys that a restored server is to be asked about: it may have lost what it had given receipts for.
CREATE TABLE to_return (
    bundle INTEGER PRIMARY KEY REFERENCES bundle (row)
) STRICT;
