-- Public keys that this person had here before the present one: a server restored to before it knew one learns it again from here.
CREATE TABLE earlier_key (
    device BLOB PRIMARY KEY,        -- its name
    key    BLOB NOT NULL
) STRICT;
