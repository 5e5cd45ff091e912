-- Runs that ask people and grow by themselves. Numbers of other steps may come between; each adds and changes
-- nothing of another.

-- Where a task of a run comes from, beside `parent`: who added it, and in which round it stands.
ALTER TABLE run_task ADD COLUMN added_by TEXT;                    -- within the run: the task whose answer asked for it
ALTER TABLE run_task ADD COLUMN depth INTEGER NOT NULL DEFAULT 0; -- how many tasks stand between it and the request
ALTER TABLE run_task ADD COLUMN round INTEGER NOT NULL DEFAULT 1;
ALTER TABLE run_task ADD COLUMN previous TEXT;                    -- within the run: whose last answer it is told as {{previous}}
ALTER TABLE run_task ADD COLUMN later TEXT;                       -- within the run: the same task in the next round
ALTER TABLE run_task ADD COLUMN growth TEXT;                      -- JSON: what follows when the answer of its last attempt counts
ALTER TABLE run_task ADD COLUMN outputs TEXT;                     -- JSON object: its named outputs, by the hash of each

-- A run that does the work of a task of another.
ALTER TABLE run ADD COLUMN parent TEXT;                           -- id of that task, RUN:TASK
ALTER TABLE run ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;      -- how many runs stand above it
ALTER TABLE run ADD COLUMN foreign_inputs TEXT;                   -- JSON list: inputs that hold words of other tasks
ALTER TABLE run_task ADD COLUMN child TEXT;                       -- id of the run that does it
ALTER TABLE run_task ADD COLUMN child_over INTEGER NOT NULL DEFAULT 0; -- 1: it ended with that run, or was ended before it
