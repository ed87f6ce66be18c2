-- Everything that happened, in order. Rows (user, item, creator) are those of `ids`.
CREATE TABLE IF NOT EXISTS log (
    seq     INTEGER PRIMARY KEY,
    id      TEXT UNIQUE,
    kind    INTEGER NOT NULL,
    action  TEXT,
    at      INTEGER NOT NULL,
    user    INTEGER,
    item    INTEGER,
    creator INTEGER,
    value   REAL,
    data    BLOB
) STRICT;

-- Which row stands for which outside id, and where its latest record is (NULL: only mentioned so far).
CREATE TABLE IF NOT EXISTS ids (
    side    TEXT NOT NULL,
    row     INTEGER NOT NULL,
    id      TEXT NOT NULL,
    record  INTEGER,
    creator INTEGER,
    PRIMARY KEY (side, row),
    UNIQUE (side, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS keys (
    id      TEXT PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    scopes  TEXT NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
