-- A task may be split into others. It then waits for them, and puts their answers together.

-- id of the task that this one is a part of
ALTER TABLE task ADD COLUMN plan_parent TEXT;
-- 1: it was split; its parts are those that name it
ALTER TABLE task ADD COLUMN planned INTEGER NOT NULL DEFAULT 0;
-- the parts of a task; no cost for tasks that are none
CREATE INDEX task_plan_parent ON task (plan_parent, seq) WHERE plan_parent IS NOT NULL;

-- How a task was split, and what for.
CREATE TABLE plan (
    task     INTEGER PRIMARY KEY REFERENCES task (seq),
    intent   TEXT    NOT NULL,                     -- JSON: goal, deliverables, constraints, ...
    score    INTEGER NOT NULL,
    features TEXT    NOT NULL,                     -- JSON list: what the score was made of
    made     REAL    NOT NULL
) STRICT;
