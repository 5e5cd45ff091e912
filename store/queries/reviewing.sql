-- Checks of results, checkpoints of the workspace, and gates.

-- get_check --
-- A check of a result.
SELECT * FROM review_check WHERE task = :task AND lease = :lease AND name = :named;

-- start_check --
-- Swarm begins to execute a check.
INSERT INTO review_check (task, lease, name, swarm, started) VALUES (:task, :lease, :named, :swarm, :now);

-- start_check_again --
-- A check whose process died is begun again.
UPDATE review_check SET swarm = :swarm, started = :now, starts = starts + 1
WHERE task = :task AND lease = :lease AND name = :named AND outcome IS NULL;

-- record_check --
-- What a check brought, once.
UPDATE review_check SET outcome = :outcome, ended = :now
WHERE task = :task AND lease = :lease AND name = :named AND outcome IS NULL;

-- forget_check --
-- A check that was stopped on the way counts as never begun.
DELETE FROM review_check WHERE task = :task AND lease = :lease AND name = :named AND outcome IS NULL;

-- checks_of --
-- Every check of a task's results.
SELECT * FROM review_check WHERE task = :task ORDER BY lease, started, name;

-- reviewed_by_people --
-- What critics said of each result that a person judged after them, and the person's word.
SELECT json_extract(payload, '$.critics') AS critics, answer FROM decision
WHERE kind = 'review' AND answer IN ('approve', 'reject') ORDER BY answered;

-- checkpoint_due --
-- A task that may have changed files of the workspace was approved.
INSERT INTO checkpoint (task, kind, due, state)
SELECT seq, 'task', :now, 'due' FROM task WHERE seq = :seq AND (
    json_extract(result, '$.may_write') = 1
    OR EXISTS (SELECT 1 FROM review_check WHERE task = :seq AND json_extract(outcome, '$.may_write') = 1)
);

-- enter_checkpoint --
-- A checkpoint that belongs to no task is due.
INSERT INTO checkpoint (task, kind, due, state) VALUES (NULL, :kind, :now, 'due');

-- checkpoints_due --
-- Checkpoints that are still to be made, in order.
SELECT checkpoint.*, task.id AS task_id FROM checkpoint LEFT JOIN task ON task.seq = checkpoint.task
WHERE checkpoint.state = 'due' ORDER BY number LIMIT 1000;

-- last_checkpoint --
-- The newest checkpoint that was made.
SELECT * FROM checkpoint WHERE state = 'made' ORDER BY number DESC LIMIT 1;

-- checkpoint_of --
-- The newest checkpoint of a task that was made.
SELECT checkpoint.*, task.id AS task_id FROM task JOIN checkpoint ON checkpoint.task = task.seq
WHERE task.id = :id AND checkpoint.state = 'made' ORDER BY number DESC LIMIT 1;

-- get_checkpoint --
-- One checkpoint.
SELECT checkpoint.*, task.id AS task_id FROM checkpoint LEFT JOIN task ON task.seq = checkpoint.task
WHERE number = :number;

-- checkpoint_made --
-- A checkpoint is kept.
UPDATE checkpoint SET state = 'made', made = :now, commit_id = :commit_id, before_id = :before_id,
    paths = :paths, reason = :reason
WHERE number = :number;

-- checkpoint_failed --
-- A checkpoint could not be made.
UPDATE checkpoint SET state = 'failed', reason = :reason WHERE number = :number;

-- checkpoint_files --
-- Files of the workspace as the newest checkpoint knows them.
SELECT * FROM checkpoint_file;

-- put_checkpoint_file --
-- A file as the newest checkpoint knows it.
INSERT OR REPLACE INTO checkpoint_file (path, mode, size, mtime_ns, ctime_ns, inode, blob)
VALUES (:path, :mode, :size, :mtime_ns, :ctime_ns, :inode, :blob);

-- forget_checkpoint_file --
-- A file has gone.
DELETE FROM checkpoint_file WHERE path = :path;

-- forget_checkpoint_files --
-- The files are looked at anew.
DELETE FROM checkpoint_file;

-- newest_checkpoint_of --
-- The newest checkpoint of a task, whatever became of it.
SELECT * FROM checkpoint WHERE task = :task ORDER BY number DESC LIMIT 1;

-- newest_in_review --
-- The newest tasks that are being judged.
SELECT * FROM task WHERE state = 'review' ORDER BY seq DESC LIMIT :limit;

-- newest_of_state --
-- The newest tasks that ended in a state, whole.
SELECT * FROM task WHERE state = :state ORDER BY finished DESC, seq DESC LIMIT :limit;

-- gate_tasks --
-- Tasks that wait for one of those in a JSON list of ids and bear a tag of a gate.
SELECT edge.parent AS change, task.id, task.state, task.worker_id, task.doc, task.seq
FROM json_each(:ids) JOIN edge ON edge.parent = json_each.value JOIN task ON task.seq = edge.child
WHERE instr(task.doc, '"gate:') > 0 ORDER BY task.seq;
