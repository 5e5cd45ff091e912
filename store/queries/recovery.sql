-- Entering what is left of a damaged home into a new one.

-- put_event --
-- An event that was told before, as it was told.
INSERT INTO event (seq, ts, event, task_id, status, worker_id, attempt, data)
VALUES (:seq, :ts, :event, :task_id, :status, :worker_id, :attempt, :data);

-- put_standing --
-- Where a task stood by the history that is left.
UPDATE task SET state = :state, attempts = :attempts, interruptions = :interruptions, rejections = :rejections,
    retries = :retries, lease = max(lease, :lease), owner = NULL, worker_id = :worker_id, lease_expires = NULL,
    cancel_requested = :cancel_requested, not_before = :not_before, feedback = :feedback, waiting_for = NULL,
    code = :code, reason = :reason, result = :result, started = :started, finished = :finished
WHERE seq = :seq;

-- put_attempt --
-- An attempt that the history tells of.
INSERT OR IGNORE INTO attempt (task, lease, attempt, worker_id, claimed)
VALUES (:task, :lease, :attempt, :worker_id, :claimed);

-- unsettled --
-- Tasks that ran or were being judged, with whether a person is asked about them.
SELECT task.*, EXISTS (SELECT 1 FROM decision WHERE decision.task = task.seq AND decision.answer IS NULL) AS is_asked
FROM task WHERE state IN ('running', 'review') ORDER BY seq;

-- count_waiting --
-- How many dependencies of each task are still open.
UPDATE task SET waiting_on = (
    SELECT count(*) FROM edge LEFT JOIN task AS parent ON parent.id = edge.parent
    WHERE edge.child = task.seq AND coalesce(parent.state, '') <> 'approved'
);

-- place_waiting --
-- Every pending task into the state that its dependencies and its time ask for.
UPDATE task SET state = CASE
    WHEN waiting_on > 0 THEN 'blocked'
    WHEN every IS NOT NULL OR coalesce(not_before, 0) > :now THEN 'delayed'
    ELSE 'ready' END
WHERE state IN ('blocked', 'delayed', 'ready');

-- forget_missing_parents --
-- Which dependencies do not exist is found out anew.
DELETE FROM missing_parent;

-- find_missing_parents --
-- Blocked tasks that wait for one that does not exist.
INSERT OR IGNORE INTO missing_parent (child, parent, since)
SELECT edge.child, edge.parent, :now FROM edge JOIN task ON task.seq = edge.child
WHERE task.state = 'blocked' AND NOT EXISTS (SELECT 1 FROM task AS parent WHERE parent.id = edge.parent);

-- dead_parents --
-- Tasks that ended badly and that a pending task waits for.
SELECT DISTINCT parent.id, parent.state FROM edge
JOIN task AS child ON child.seq = edge.child JOIN task AS parent ON parent.id = edge.parent
WHERE child.state = 'blocked' AND parent.state IN ('failed', 'safety_blocked', 'cancelled');

-- mark_new_dirty --
-- The tasks from a place on are new to the queue file.
INSERT OR IGNORE INTO dirty (task) SELECT seq FROM task WHERE seq >= :first;

-- run_events_since --
-- What happened to runs after a place in the history.
SELECT seq, ts, event, data FROM event WHERE seq > :after AND task_id IS NULL AND event GLOB 'run.*' ORDER BY seq;

-- every_run --
-- Every run.
SELECT * FROM run ORDER BY seq;

-- put_run_standing --
-- Where a run stood by the history that is left.
UPDATE run SET state = :state, ends_as = :ends_as, is_stopping = :is_stopping, is_open = :is_open, code = :code,
    reason = :reason, finished = :finished
WHERE seq = :seq;

-- recount_run --
-- How many tasks a run has, and how many have not ended: all that bear its name.
UPDATE run SET
    tasks = (SELECT count(*) FROM task WHERE id > :first AND id < :last),
    open = (
        SELECT count(*) FROM task
        WHERE id > :first AND id < :last AND state NOT IN ('approved', 'failed', 'safety_blocked', 'cancelled')
    )
WHERE seq = :seq;

-- put_run_deadline --
-- Until when a run must have ended that went on by the history that is left.
UPDATE run SET deadline = :deadline WHERE seq = :seq;

-- runs_gone_on_since --
-- Runs some of whose tasks were sent back to the queue after a place in the history.
SELECT * FROM run WHERE id IN (
    SELECT substr(task_id, 1, instr(task_id, ':') - 1) FROM event
    WHERE seq > :after AND event = 'task.retried' AND instr(task_id, ':') > 0
);

-- adopt_lost_tasks --
-- Tasks that bear the name of a run and came after its backup: nothing is known of what they were within it.
INSERT INTO run_task (task, run, id, doc, required, needs_any)
SELECT seq, :run, substr(id, length(:first) + 1), json_object('id', substr(id, length(:first) + 1)), 1, 0
FROM task
WHERE id > :first AND id < :last AND plan_parent IS NULL
    AND NOT EXISTS (SELECT 1 FROM run_task WHERE run_task.task = task.seq);
