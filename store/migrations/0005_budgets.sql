-- Money, in whole micro-dollars: what each limit has spent and reserved, and every call that may cost something.

-- What counts against one limit. A row is made when something first counts, whether or not a limit is set.
CREATE TABLE budget (
    scope       TEXT    NOT NULL CHECK (scope IN ('total', 'day', 'model', 'run', 'task')),
    name        TEXT    NOT NULL,                  -- of the model, run or task; else empty
    day         TEXT    NOT NULL,                  -- local calendar day of 'day' and 'model'; else empty
    spent       INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
    unsettled   INTEGER NOT NULL DEFAULT 0 CHECK (unsettled >= 0), -- of spent: booked at the worst case
    reserved    INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    topped_up   INTEGER NOT NULL DEFAULT 0 CHECK (topped_up >= 0), -- added to the limit by a person
    declined_by TEXT,                              -- who said no to more, since the last top-up
    PRIMARY KEY (scope, name, day)
) STRICT, WITHOUT ROWID;

-- A model call that may cost something. Reserved in the transaction that lets it start, booked in the one that
-- records how it ended; or by the next process that finds its owner gone.
CREATE TABLE spend (
    id          TEXT    PRIMARY KEY,
    state       TEXT    NOT NULL CHECK (state IN ('reserved', 'settled', 'unsettled')),
    task_id     TEXT,                              -- none: a plan's call
    lease       INTEGER,
    model       TEXT    NOT NULL,
    owner       TEXT    NOT NULL,                  -- process that makes the call
    accounts    TEXT    NOT NULL,                  -- JSON: [scope, name, day] of every row of budget it counts in
    reserved    INTEGER NOT NULL CHECK (reserved > 0),
    booked      INTEGER CHECK (booked >= 0),
    reserved_at REAL    NOT NULL,                  -- Unix seconds
    booked_at   REAL
) STRICT;
-- settle what a dead process left; a handful of rows
CREATE INDEX spend_reserved ON spend (owner) WHERE state = 'reserved';
-- what was spent lately
CREATE INDEX spend_time ON spend (booked_at);

-- The prices in use, as the executing process found them, so that others need not load a catalogue.
CREATE TABLE price (
    model          TEXT PRIMARY KEY,
    price          TEXT NOT NULL,                  -- JSON, see cost/price.py
    source         TEXT NOT NULL,                  -- where it comes from, for a person
    context_window INTEGER,                        -- tokens it reads at most, where that is known
    max_output     INTEGER                         -- tokens it writes at most, where that is known
) STRICT, WITHOUT ROWID;

-- Token buckets of models whose rate is limited. Shared by all processes, so they go by the machine's clock.
CREATE TABLE bucket (
    model  TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('requests', 'tokens')),
    level  REAL NOT NULL,                          -- what may be taken; below zero: taken in advance
    wanted REAL NOT NULL,                          -- what the next call needs, as far as is known
    at     REAL NOT NULL,                          -- monotonic seconds of `boot`
    boot   TEXT NOT NULL,
    PRIMARY KEY (model, kind)
) STRICT, WITHOUT ROWID;

-- What a delayed task waits for beside a time: a limit such as day, total, model:NAME, run:ID, task:ID, or
-- price:NAME; and the micro-dollars it needs from it. A task that was let go keeps `needs` until it is claimed.
ALTER TABLE task ADD COLUMN held_by TEXT;
ALTER TABLE task ADD COLUMN needs INTEGER;
-- how much those need that were let go and have not been claimed yet
CREATE INDEX task_promised ON task (needs) WHERE state = 'ready' AND needs IS NOT NULL;
-- let go: who waits for a limit, the most urgent first
CREATE INDEX task_held ON task (held_by, priority DESC, seq) WHERE state = 'delayed' AND held_by IS NOT NULL;
