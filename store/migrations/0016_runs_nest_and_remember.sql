-- Budgets of a task with all that stem from it, and what the answers of a run's tasks may be known by again.

-- Such a budget is a row of `budget` like every other; SQLite widens a check only by a table made anew.
CREATE TABLE budget_with_subtrees (
    scope       TEXT    NOT NULL CHECK (scope IN ('total', 'day', 'model', 'run', 'subtree', 'task')),
    name        TEXT    NOT NULL,                  -- of the model, run or task; else empty
    day         TEXT    NOT NULL,                  -- local calendar day of 'day' and 'model'; else empty
    spent       INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
    unsettled   INTEGER NOT NULL DEFAULT 0 CHECK (unsettled >= 0), -- of spent: booked at the worst case
    reserved    INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    topped_up   INTEGER NOT NULL DEFAULT 0 CHECK (topped_up >= 0), -- added to the limit by a person
    declined_by TEXT,                              -- who said no to more, since the last top-up
    PRIMARY KEY (scope, name, day)
) STRICT, WITHOUT ROWID;
INSERT INTO budget_with_subtrees SELECT scope, name, day, spent, unsettled, reserved, topped_up, declined_by FROM budget;
DROP TABLE budget;
ALTER TABLE budget_with_subtrees RENAME TO budget;
CREATE INDEX budget_cost ON budget (spent, name) WHERE scope = 'task' AND spent > 0;

-- What a task with all that stem from it may cost; none: no limit of their own.
ALTER TABLE run_task ADD COLUMN subtree_micros INTEGER CHECK (subtree_micros > 0);
-- SHA-256 of what its last judged attempt was asked, where its answer may be taken again; none: it may not.
ALTER TABLE run_task ADD COLUMN cache_key TEXT;
CREATE INDEX run_task_cache ON run_task (cache_key) WHERE cache_key IS NOT NULL;

-- A summary that a task of a run was told in place of earlier answers, once for each text that was summarised.
CREATE TABLE run_summary (
    task       INTEGER NOT NULL REFERENCES task (seq),
    digest     TEXT    NOT NULL,                   -- SHA-256 of what was asked
    lease      INTEGER NOT NULL,                   -- under which it was begun last
    swarm      TEXT    NOT NULL,                   -- process that executes it
    started_at REAL    NOT NULL,                   -- Unix seconds
    outcome    TEXT,                               -- JSON, once it has ended
    ended_at   REAL,
    PRIMARY KEY (task, digest)
) STRICT, WITHOUT ROWID;
