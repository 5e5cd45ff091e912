-- The truth. Every table says what a row is; every index says which question it answers.

-- Facts about the home itself: revision of the queue file, pause, model status, export position.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A task. `state` is finer than the status people see: blocked, delayed and ready all read pending.
CREATE TABLE task (
    seq              INTEGER PRIMARY KEY,          -- order of arrival
    id               TEXT    NOT NULL UNIQUE,
    state            TEXT    NOT NULL CHECK (state IN (
                         'blocked', 'delayed', 'ready', 'running', 'review',
                         'approved', 'failed', 'safety_blocked', 'cancelled')),
    lane             TEXT    NOT NULL,             -- which limits it falls under, see store/lanes.py
    priority         INTEGER NOT NULL,
    not_before       REAL,                         -- Unix seconds; of a schedule: its next firing
    every            TEXT,                         -- cron expression; the row is then a schedule
    waiting_on       INTEGER NOT NULL DEFAULT 0,   -- dependencies that are not approved
    attempts         INTEGER NOT NULL DEFAULT 0,   -- claims that count
    interruptions    INTEGER NOT NULL DEFAULT 0,   -- of these, ended with the process that ran them
    rejections       INTEGER NOT NULL DEFAULT 0,   -- of these, judged bad
    retries          INTEGER NOT NULL DEFAULT 0,   -- tries in a row that did not count
    lease            INTEGER NOT NULL DEFAULT 0,   -- rises with every claim; fences results
    owner            TEXT,                         -- process that holds the lease
    worker_id        TEXT,
    lease_expires    REAL,                         -- monotonic seconds of the owner's boot
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    version          INTEGER NOT NULL DEFAULT 1,   -- of doc
    doc              TEXT    NOT NULL,             -- the user's keys as JSON, in their order
    feedback         TEXT,                         -- JSON list: findings for the next attempt
    waiting_for      TEXT,                         -- why it is delayed, where a time alone does not say
    code             TEXT,                         -- why it ended, as a stable word
    reason           TEXT,                         -- why it ended or was put back, for a person
    result           TEXT,                         -- JSON: what the last attempt brought
    source           TEXT    NOT NULL,
    created          REAL    NOT NULL,
    started          REAL,
    finished         REAL
) STRICT;
-- claim: the first ready task of a lane
CREATE INDEX task_ready ON task (lane, priority DESC, seq) WHERE state = 'ready';
-- promote: what has become due
CREATE INDEX task_delayed ON task (not_before) WHERE state = 'delayed';
-- lists and counts by status; the newest ended
CREATE INDEX task_state ON task (state, finished, seq);

-- A dependency. The parent may not exist (yet).
CREATE TABLE edge (
    child  INTEGER NOT NULL REFERENCES task (seq),
    parent TEXT    NOT NULL,
    PRIMARY KEY (child, parent)
) STRICT, WITHOUT ROWID;
-- release: who waits for this task
CREATE INDEX edge_parent ON edge (parent, child);

-- A dependency that does not exist, until it does.
CREATE TABLE missing_parent (
    child  INTEGER NOT NULL REFERENCES task (seq),
    parent TEXT    NOT NULL,
    since  REAL    NOT NULL,
    warned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (parent, child)
) STRICT, WITHOUT ROWID;

-- One claim of a task, what ran under it and what became of it.
CREATE TABLE attempt (
    task      INTEGER NOT NULL REFERENCES task (seq),
    lease     INTEGER NOT NULL,
    attempt   INTEGER NOT NULL,
    worker_id TEXT    NOT NULL,
    claimed   REAL    NOT NULL,
    swarm     TEXT,                                -- process that executes or executed it
    started   REAL,
    outcome   TEXT,                                -- JSON, durable before /cycle answers
    ended     REAL,
    became    TEXT,                                -- approved, requeue, failed, held, interrupted, ...
    findings  TEXT,                                -- JSON list of what the critics found
    PRIMARY KEY (task, lease)
) STRICT, WITHOUT ROWID;

-- The history. Written in the transaction of the change it tells of; execution_log.jsonl is its copy.
CREATE TABLE event (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    ts        TEXT NOT NULL,
    event     TEXT NOT NULL,
    task_id   TEXT,
    status    TEXT,
    worker_id TEXT,
    attempt   INTEGER,
    data      TEXT NOT NULL                        -- JSON object of further fields
) STRICT;
CREATE INDEX event_task ON event (task_id, seq);

-- A question to a person. First answer wins.
CREATE TABLE decision (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    task        INTEGER REFERENCES task (seq),
    question    TEXT NOT NULL,
    digest      TEXT NOT NULL,                     -- SHA-256 of the exact bytes decided on
    payload     TEXT NOT NULL,                     -- JSON
    options     TEXT NOT NULL,                     -- JSON list
    asked       REAL NOT NULL,
    answer      TEXT,
    answered    REAL,
    answered_by TEXT,
    comment     TEXT
) STRICT;
CREATE INDEX decision_open ON decision (asked) WHERE answer IS NULL;
CREATE INDEX decision_task ON decision (task);

-- Tokens earned. At most one grant for a task and identity, whatever crashes.
CREATE TABLE reward_grant (
    task_id          TEXT    NOT NULL,
    identity_id      TEXT    NOT NULL,
    tokens_requested INTEGER NOT NULL,
    tokens_awarded   INTEGER NOT NULL,
    budget_used      INTEGER NOT NULL,             -- micro-dollars
    max_budget       INTEGER NOT NULL,             -- micro-dollars
    confidence       REAL    NOT NULL,
    reason           TEXT    NOT NULL,
    granted_at       TEXT    NOT NULL,
    PRIMARY KEY (task_id, identity_id)
) STRICT, WITHOUT ROWID;

-- Earlier texts of a task, so that an edit of an old copy of the queue file has its base.
CREATE TABLE task_version (
    task    INTEGER NOT NULL REFERENCES task (seq),
    version INTEGER NOT NULL,
    doc     TEXT    NOT NULL,
    PRIMARY KEY (task, version)
) STRICT, WITHOUT ROWID;

-- Tasks whose entry in the queue file must be rendered anew.
CREATE TABLE dirty (
    task INTEGER PRIMARY KEY REFERENCES task (seq)
) STRICT;

-- A task's entry in the queue file as last rendered, and where it stands there.
CREATE TABLE shown (
    task    INTEGER PRIMARY KEY REFERENCES task (seq),
    section TEXT NOT NULL CHECK (section IN ('tasks', 'completed', 'failed', 'none')),
    text    TEXT NOT NULL
) STRICT;

-- Every entry ever written to the queue file: a stale copy is recognised by its hash, an edit has its base.
-- An entry stands from `first_revision` until the task's next row; an empty hash: no longer shown.
CREATE TABLE projected (
    task           INTEGER NOT NULL REFERENCES task (seq),
    first_revision INTEGER NOT NULL,
    hash           BLOB    NOT NULL,
    version        INTEGER NOT NULL,
    status         TEXT    NOT NULL,
    PRIMARY KEY (task, first_revision)
) STRICT, WITHOUT ROWID;
