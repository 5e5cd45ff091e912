-- What judges a result beside the deterministic critics, and what is kept of the workspace once it was approved.

-- A check of a result: a command or a model call under the lease of the attempt it judges. Executed once, as the
-- attempt itself is; one whose process died may be started again where repeating it does no harm.
CREATE TABLE review_check (
    task    INTEGER NOT NULL REFERENCES task (seq),
    lease   INTEGER NOT NULL,
    name    TEXT    NOT NULL,                      -- command:0, command:1, ..., model
    swarm   TEXT    NOT NULL,                      -- process that executes or executed it
    starts  INTEGER NOT NULL DEFAULT 1,            -- how often it was begun
    started REAL    NOT NULL,
    outcome TEXT,                                  -- JSON, durable before /cycle answers
    ended   REAL,
    PRIMARY KEY (task, lease, name)
) STRICT, WITHOUT ROWID;

-- A kept state of the workspace: due once a task that may write it was approved, made soon after.
CREATE TABLE checkpoint (
    number   INTEGER PRIMARY KEY,                  -- in the order they became due
    task     INTEGER REFERENCES task (seq),        -- none: a baseline, or the state before a rollback
    kind     TEXT    NOT NULL CHECK (kind IN ('baseline', 'task', 'rollback')),
    due      REAL    NOT NULL,                     -- Unix seconds
    state    TEXT    NOT NULL CHECK (state IN ('due', 'made', 'failed')),
    made     REAL,
    commit_id TEXT,                                -- in .swarm/checkpoints.git
    before_id TEXT,                                -- the commit before it; none: there was none
    paths    INTEGER,                              -- files that differ from the commit before
    reason   TEXT                                  -- why it could not be made, or what was left out
) STRICT;
-- what is still to be made
CREATE INDEX checkpoint_due ON checkpoint (number) WHERE state = 'due';
-- the checkpoints of a task
CREATE INDEX checkpoint_task ON checkpoint (task, number) WHERE task IS NOT NULL;

-- Files of the workspace as the newest checkpoint knows them: what has the same figures has the same bytes.
CREATE TABLE checkpoint_file (
    path     BLOB    PRIMARY KEY,                  -- relative to the workspace, as the system names it
    mode     INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,                     -- 0: changed so shortly before that it must be read again
    ctime_ns INTEGER NOT NULL,
    inode    INTEGER NOT NULL,
    blob     TEXT    NOT NULL                      -- git's id of the content
) STRICT, WITHOUT ROWID;
