-- Runs: graphs of tasks with a policy. A task of a run is a task like every other, called RUN:TASK; here stands
-- what it cannot say itself. Numbers of other steps may come between; each adds and changes nothing of another.

-- A run.
CREATE TABLE run (
    seq             INTEGER PRIMARY KEY,           -- order of arrival
    id              TEXT    NOT NULL UNIQUE,
    name            TEXT,                          -- of the workflow, where it came from one
    state           TEXT    NOT NULL CHECK (state IN (
                        'running', 'aborting', 'completed', 'failed', 'aborted')),
    request         TEXT    NOT NULL,              -- JSON: as it was submitted, without the tasks
    policy          TEXT    NOT NULL,              -- JSON: what it is held to
    memory          TEXT    NOT NULL,              -- JSON object: what all its tasks are told
    on_failure      TEXT    NOT NULL,              -- of the policy
    budget_micros   INTEGER CHECK (budget_micros > 0), -- of the policy; none: no limit
    max_tasks       INTEGER NOT NULL,              -- of the policy
    tasks           INTEGER NOT NULL,              -- how many it has
    open            INTEGER NOT NULL,              -- of them, not ended
    is_open         INTEGER NOT NULL,              -- 1: goes on when all its tasks have ended, until it is closed
    is_stopping     INTEGER NOT NULL DEFAULT 0,    -- 1: nothing of it begins any more
    ends_as         TEXT,                          -- what it comes to when its tasks have ended; none: completed
    code            TEXT,                          -- why it does not complete, as a stable word
    reason          TEXT,                          -- the same for a person
    deadline        REAL,                          -- Unix seconds
    idempotency_key TEXT    UNIQUE,
    digest          TEXT    NOT NULL,              -- SHA-256 of the request
    forked_from     TEXT,                          -- id of the run whose answers it began with
    source          TEXT    NOT NULL,              -- who started it
    after_event     INTEGER NOT NULL,              -- the last event before it was started
    created         REAL    NOT NULL,
    finished        REAL
) STRICT;
-- whose time is up
CREATE INDEX run_deadline ON run (deadline) WHERE state = 'running' AND deadline IS NOT NULL;

-- What a task of a run is beside a task.
CREATE TABLE run_task (
    task        INTEGER PRIMARY KEY REFERENCES task (seq),
    run         INTEGER NOT NULL REFERENCES run (seq),
    id          TEXT    NOT NULL,                  -- within the run
    doc         TEXT    NOT NULL,                  -- JSON: as it was submitted
    required    INTEGER NOT NULL,                  -- whether the run fails with it, where the policy is `required`
    needs_any   INTEGER NOT NULL,                  -- 1: one completed dependency will do, once all have ended
    ledger      TEXT,                              -- JSON: what its last attempt was told, and what was left out
    parent      TEXT,                              -- within the run: the task whose item it does
    items       TEXT,                              -- JSON list: the tasks that do its items, once they are there
    reused_from TEXT,                              -- run whose answer it was given
    UNIQUE (run, id)
) STRICT;
