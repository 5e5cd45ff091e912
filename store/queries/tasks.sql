-- Tasks, their dependencies and their attempts: entered, claimed, ended, sent back.

-- get_meta --
-- One fact about the home.
SELECT value FROM meta WHERE key = :key;

-- set_meta --
-- Keep one fact about the home.
INSERT INTO meta (key, value) VALUES (:key, :value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- delete_meta --
-- Forget one fact about the home.
DELETE FROM meta WHERE key = :key;

-- insert_event --
-- Add to the history.
INSERT INTO event (ts, event, task_id, status, worker_id, attempt, data)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- mark_dirty --
-- The queue file's entry of a task must be rendered anew.
INSERT OR IGNORE INTO dirty (task) VALUES (?);

-- get_task --
-- A task by its id.
SELECT * FROM task WHERE id = :id;

-- get_task_by_seq --
-- A task by its place.
SELECT * FROM task WHERE seq = :seq;

-- last_seq --
-- The last place taken.
SELECT coalesce(max(seq), 0) AS seq FROM task;

-- states_of --
-- States of the tasks named in a JSON list of ids.
SELECT id, seq, state FROM task WHERE id IN (SELECT value FROM json_each(:ids));

-- insert_task --
-- Enter a task.
INSERT INTO task (seq, id, state, lane, priority, not_before, every, waiting_on, doc, code, reason, source,
                  created, finished)
VALUES (:seq, :id, :state, :lane, :priority, :not_before, :every, :waiting_on, :doc, :code, :reason, :source,
        :created, :finished);

-- insert_new_task --
-- Enter a task that waits.
INSERT INTO task (seq, id, state, lane, priority, not_before, every, waiting_on, doc, source, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- insert_edge --
-- A task waits for another.
INSERT OR IGNORE INTO edge (child, parent) VALUES (:child, :parent);

-- delete_edges --
-- A task waits for nothing (before its new dependencies are entered).
DELETE FROM edge WHERE child = :child;

-- insert_missing_parent --
-- A task waits for one that does not exist.
INSERT OR IGNORE INTO missing_parent (child, parent, since) VALUES (:child, :parent, :since);

-- delete_missing_parent --
-- A missing task has come.
DELETE FROM missing_parent WHERE parent = :parent;

-- delete_missing_of_child --
-- A task no longer waits for missing ones.
DELETE FROM missing_parent WHERE child = :child;

-- missing_among --
-- Which of these ids are waited for though they did not exist.
SELECT DISTINCT parent FROM missing_parent WHERE parent IN (SELECT value FROM json_each(:ids));

-- missing_to_warn --
-- Dependencies that have been missing for long and were not warned of.
SELECT task.id, task.seq, group_concat(missing_parent.parent, char(10)) AS parents
FROM missing_parent JOIN task ON task.seq = missing_parent.child
WHERE missing_parent.warned = 0 AND missing_parent.since <= :before AND task.state = 'blocked'
GROUP BY task.seq LIMIT 1000;

-- mark_missing_warned --
-- A missing dependency has been warned of.
UPDATE missing_parent SET warned = 1 WHERE child = :child;

-- parents_of --
-- What a task waits for, with the state of each that exists.
SELECT edge.parent AS id, parent.state AS state, parent.every AS every, parent.plan_parent AS plan_parent
FROM edge LEFT JOIN task AS parent ON parent.id = edge.parent
WHERE edge.child = :child ORDER BY edge.parent;

-- children_of --
-- Who waits for a task.
SELECT task.* FROM edge JOIN task ON task.seq = edge.child WHERE edge.parent = :parent;

-- some_children_of --
-- Some of those who wait for a task, with their states.
SELECT task.id, task.state FROM edge JOIN task ON task.seq = edge.child WHERE edge.parent = :parent
ORDER BY edge.child LIMIT 101;

-- blocked_upwards --
-- Every blocked task that the tasks named in a JSON list wait for, near or far, with its dependencies.
WITH RECURSIVE up (id) AS (
    SELECT value FROM json_each(:ids)
    UNION
    SELECT edge.parent FROM up JOIN task ON task.id = up.id JOIN edge ON edge.child = task.seq
    WHERE task.state = 'blocked'
)
SELECT task.id AS child, edge.parent AS parent
FROM up JOIN task ON task.id = up.id JOIN edge ON edge.child = task.seq
WHERE task.state = 'blocked';

-- waited_for_upwards --
-- What a task waits for, near or far, as long as it is not approved: up to so many of them.
WITH RECURSIVE up (id) AS (
    SELECT edge.parent FROM edge WHERE edge.child = :seq
    UNION
    SELECT edge.parent FROM up JOIN task ON task.id = up.id JOIN edge ON edge.child = task.seq
    WHERE task.state <> 'approved'
    LIMIT :most
)
SELECT id FROM up;

-- release_children --
-- A dependency is approved: one thing less to wait for.
UPDATE task SET waiting_on = waiting_on - 1
WHERE seq IN (SELECT child FROM edge WHERE parent = :parent)
RETURNING seq, id, state, waiting_on, not_before, every;

-- set_waiting_on --
-- How many dependencies are still open.
UPDATE task SET waiting_on = :waiting_on WHERE seq = :seq;

-- set_state --
-- Move a task that nobody runs.
UPDATE task SET state = :state, waiting_for = :waiting_for, not_before = :not_before, held_by = NULL, needs = NULL
WHERE seq = :seq;

-- end_task --
-- A task reaches its end.
UPDATE task SET state = :state, code = :code, reason = :reason, finished = :now,
    result = coalesce(:result, result), owner = NULL, lease_expires = NULL, waiting_for = NULL,
    cancel_requested = 0, held_by = NULL, needs = NULL
WHERE seq = :seq;

-- reopen_task --
-- An ended task is sent back; what its attempts counted is forgotten, its lease is not.
UPDATE task SET state = :state, attempts = 0, interruptions = 0, rejections = 0, retries = 0, code = NULL,
    reason = NULL, finished = NULL, started = NULL, waiting_for = NULL, feedback = NULL,
    cancel_requested = 0, waiting_on = :waiting_on
WHERE seq = :seq;

-- ready_heads --
-- The first ready task of every lane that has one.
WITH RECURSIVE lanes (lane) AS (
    SELECT min(lane) FROM task INDEXED BY task_ready WHERE state = 'ready'
    UNION ALL
    SELECT (SELECT min(lane) FROM task INDEXED BY task_ready WHERE state = 'ready' AND lane > lanes.lane)
    FROM lanes WHERE lanes.lane IS NOT NULL
)
SELECT task.lane, task.priority, task.seq, task.id FROM lanes JOIN task ON task.seq = (
    SELECT seq FROM task INDEXED BY task_ready WHERE state = 'ready' AND lane = lanes.lane ORDER BY priority DESC, seq LIMIT 1
);

-- running_lanes --
-- The lanes of what runs, each with how many run in it.
SELECT lane, count(*) AS count FROM task WHERE state = 'running' GROUP BY lane;

-- claim --
-- Take the first ready tasks of a lane: attempt and lease rise with it.
UPDATE task SET state = 'running', attempts = attempts + 1, lease = lease + 1, owner = :owner,
    worker_id = :worker_id, lease_expires = :lease_expires, started = :now, waiting_for = NULL, reason = NULL,
    code = NULL, held_by = NULL, needs = NULL
WHERE seq IN (
    SELECT seq FROM task INDEXED BY task_ready WHERE state = 'ready' AND lane = :lane
    ORDER BY priority DESC, seq LIMIT :most
)
RETURNING *;

-- insert_attempt --
-- A claim, for the history of a task.
INSERT INTO attempt (task, lease, attempt, worker_id, claimed) VALUES (?, ?, ?, ?, ?);

-- held --
-- The task, if this lease on it is the current one.
SELECT * FROM task WHERE id = :id AND lease = :lease AND state = 'running';

-- renew_lease --
-- A heartbeat.
UPDATE task SET lease_expires = :lease_expires
WHERE id = :id AND lease = :lease AND state = 'running' AND owner = :owner;

-- adopt --
-- Take over a running task from a worker that is gone; its lease stays.
UPDATE task SET owner = :owner, worker_id = :worker_id, lease_expires = :lease_expires
WHERE seq = :seq AND lease = :lease AND state = 'running' AND owner = :old_owner RETURNING *;

-- running --
-- Everything that runs.
SELECT task.*, attempt.swarm AS swarm, attempt.outcome AS outcome, attempt.started AS cycle_started,
    attempt.tool_effect AS tool_effect
FROM task LEFT JOIN attempt ON attempt.task = task.seq AND attempt.lease = task.lease
WHERE task.state = 'running';

-- count_running --
-- How many run.
SELECT count(*) AS n FROM task WHERE state = 'running';

-- running_by_owner --
-- How many run under whom, by what tells whether somebody still executes them.
SELECT task.owner AS owner, task.worker_id AS worker_id, task.lease_expires AS lease_expires,
    attempt.swarm AS swarm, attempt.outcome AS outcome, count(*) AS n
FROM task LEFT JOIN attempt ON attempt.task = task.seq AND attempt.lease = task.lease
WHERE task.state = 'running'
GROUP BY task.owner, task.worker_id, task.lease_expires < :monotonic, attempt.swarm, attempt.outcome IS NULL;

-- running_to_cancel --
-- Running tasks a person wants stopped.
SELECT id, lease, worker_id FROM task WHERE state = 'running' AND cancel_requested = 1;

-- request_cancel --
-- A person wants a running task stopped.
UPDATE task SET cancel_requested = 1, reason = :reason WHERE seq = :seq AND state = 'running';

-- get_attempt --
-- What runs or ran under a lease.
SELECT attempt.* FROM attempt JOIN task ON task.seq = attempt.task
WHERE task.id = :id AND attempt.lease = :lease;

-- begun_interruptions --
-- How many of a task's last interruptions were of attempts that swarm had begun to execute.
SELECT count(swarm) AS n FROM (SELECT swarm FROM attempt WHERE task = :task AND became = 'interrupted'
                               ORDER BY lease DESC LIMIT :interruptions);

-- adoptions_since --
-- How often another worker has taken a task over since a place in the history (else a moment) that the one before had
-- not left.
SELECT coalesce(sum(CASE event WHEN 'task.adopted' THEN 1 ELSE -1 END), 0) AS n FROM event
WHERE task_id = :task_id AND event IN ('task.adopted', 'task.left')
    AND (seq > :after OR (:after IS NULL AND ts >= :since));

-- start_cycle --
-- Swarm begins to execute a lease, once.
UPDATE attempt SET swarm = :swarm, started = :now, traceparent = :traceparent WHERE task = :task AND lease = :lease AND swarm IS NULL;

-- record_outcome --
-- What the attempt brought, once.
UPDATE attempt SET outcome = :outcome, ended = :now, ended_event = (SELECT coalesce(max(seq), 0) FROM event)
WHERE task = :task AND lease = :lease AND outcome IS NULL;

-- end_attempt --
-- What became of an attempt.
UPDATE attempt SET became = :became, findings = :findings, ended = coalesce(ended, :now)
WHERE task = :task AND lease = :lease;

-- to_review --
-- An attempt is being judged.
UPDATE task SET state = 'review', result = :result, owner = NULL, lease_expires = NULL, retries = 0
WHERE seq = :seq RETURNING *;

-- review_held --
-- The same, if this lease on it is the current one.
UPDATE task SET state = 'review', result = :result, owner = NULL, lease_expires = NULL, retries = 0
WHERE id = :id AND lease = :lease AND state = 'running' RETURNING *;

-- to_person --
-- A claimed task waits for a person's leave before anything of it runs: the claim does not count.
UPDATE task SET state = 'review', attempts = attempts - 1, owner = NULL, lease_expires = NULL
WHERE seq = :seq RETURNING *;

-- to_queue --
-- A task goes back to be tried again.
UPDATE task SET state = :state, not_before = :not_before, waiting_for = :waiting_for, reason = :reason,
    attempts = attempts - :uncounted, interruptions = interruptions + :interrupted,
    rejections = rejections + :rejected,
    retries = CASE WHEN :held_by IS NOT NULL THEN retries WHEN :uncounted = 1 THEN retries + 1 ELSE 0 END,
    feedback = coalesce(:feedback, feedback), owner = NULL, lease_expires = NULL, cancel_requested = 0,
    held_by = :held_by, needs = :needs
WHERE seq = :seq;

-- due --
-- Delayed tasks whose time has come.
SELECT seq, id, every, not_before FROM task INDEXED BY task_delayed WHERE state = 'delayed' AND not_before <= :now
ORDER BY not_before LIMIT 1000;

-- next_due --
-- When the next delayed task's time comes.
SELECT min(not_before) AS moment FROM task INDEXED BY task_delayed WHERE state = 'delayed';

-- open_occurrence --
-- An occurrence of a schedule that has not ended; its id is `stem`, a dot and 16 letters of time.
SELECT id FROM task
WHERE id > :stem || '.' AND id < :stem || '/' AND length(id) = length(:stem) + 17 AND +source = 'schedule'
  AND +state IN ('blocked', 'delayed', 'ready', 'running', 'review') LIMIT 1; -- by id: of the others too many fit

-- set_not_before --
-- The next firing of a schedule.
UPDATE task SET not_before = :not_before WHERE seq = :seq;

-- keep_version --
-- The text a task had before an edit.
INSERT OR IGNORE INTO task_version (task, version, doc) SELECT seq, version, doc FROM task WHERE seq = :seq;

-- get_version --
-- An earlier text of a task.
SELECT doc FROM task_version WHERE task = :task AND version = :version;

-- edit_task --
-- A person's edit: the new text and what follows from it.
UPDATE task SET doc = :doc, version = version + 1, lane = :lane, priority = :priority,
    not_before = :not_before, every = :every
WHERE seq = :seq;

-- set_lane --
-- The limits of this home have changed.
UPDATE task SET lane = :lane WHERE seq = :seq;

-- open_docs --
-- Texts of all tasks that have not ended.
SELECT seq, id, doc, lane FROM task WHERE state IN ('blocked', 'delayed', 'ready', 'running', 'review');
