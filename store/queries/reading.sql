-- Lists, counts and the history, as faces and the leader read them.

-- count_by_state --
-- How many tasks are in each state.
SELECT state, count(*) AS count FROM task GROUP BY state;

-- list_tasks --
-- Tasks in order of arrival after a place, in some states.
SELECT task.* FROM task
WHERE seq > :after AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
ORDER BY seq LIMIT :limit;

-- list_newest --
-- The newest tasks before a place, in some states.
SELECT task.* FROM task
WHERE seq < :before AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
ORDER BY seq DESC LIMIT :limit;

-- attempts_of --
-- Every attempt of a task.
SELECT * FROM attempt WHERE task = :task ORDER BY lease;

-- events_after --
-- History after a place.
SELECT * FROM event WHERE seq > :after ORDER BY seq LIMIT :limit;

-- events_of --
-- History of one task after a place.
SELECT * FROM event WHERE task_id = :task_id AND seq > :after ORDER BY seq LIMIT :limit;

-- events_before --
-- History of one task before a place, newest first.
SELECT * FROM event WHERE task_id = :task_id AND seq < :before ORDER BY seq DESC LIMIT :limit;

-- reviews_of --
-- What critics said of results of a task, in the newest part of its history, newest first.
SELECT * FROM (SELECT * FROM event WHERE task_id = :task_id ORDER BY seq DESC LIMIT 2000)
WHERE event = 'task.pending_review';

-- newest_route --
-- The newest event that tells of a route, in the newest part of a task's history.
SELECT * FROM (SELECT * FROM event WHERE task_id = :task_id ORDER BY seq DESC LIMIT 2000)
WHERE json_extract(data, '$.tool_route') IS NOT NULL ORDER BY seq DESC LIMIT 1;

-- newest_attempts --
-- The newest attempts of a task, newest first.
SELECT * FROM attempt WHERE task = :task ORDER BY lease DESC LIMIT :limit;

-- last_edits --
-- The newest edits of a task: whose, from which copy of the queue file, and of what.
SELECT json_extract(data, '$.source') AS source, json_extract(data, '$.revision') AS revision,
    json_extract(data, '$.fields') AS fields
FROM event WHERE task_id = :task_id AND event = 'task.edited' ORDER BY seq DESC LIMIT 50;

-- edits_since_claim --
-- What was edited of a task since its last claim.
SELECT json_extract(data, '$.fields') AS fields FROM event
WHERE task_id = :task_id AND event = 'task.edited'
    AND seq > (SELECT max(seq) FROM event WHERE task_id = :task_id AND event = 'task.in_progress');

-- last_told_edit --
-- What was last said of a task's edits.
SELECT event, json_extract(data, '$.reason') AS reason, json_extract(data, '$.file') AS file,
    json_extract(data, '$.revision') AS revision
FROM event WHERE task_id = :task_id AND event IN ('task.edited', 'task.edit_refused', 'task.edit_conflict')
ORDER BY seq DESC LIMIT 1;

-- last_events --
-- The newest history.
SELECT * FROM (SELECT * FROM event WHERE :task_id IS NULL OR task_id = :task_id ORDER BY seq DESC LIMIT :limit)
ORDER BY seq;

-- last_event_seq --
-- The newest place in the history.
SELECT coalesce(max(seq), 0) AS seq FROM event;

-- get_event --
-- One event.
SELECT * FROM event WHERE seq = :seq;

-- any_ready --
-- Whether there is anything to claim.
SELECT 1 FROM task INDEXED BY task_ready WHERE state = 'ready' LIMIT 1;

-- some_delayed --
-- A delayed task that is no schedule, if there is one.
SELECT every FROM task INDEXED BY task_delayed
WHERE state = 'delayed' AND not_before IS NOT NULL AND every IS NULL LIMIT 1;

-- gate_facts --
-- What holds whole kinds of tasks back.
SELECT key, value FROM meta WHERE key IN
    ('paused', 'model_status', 'local_status', 'disk_full', 'audit_blocked', 'circuit_breaker', 'rate_limits',
     'processes');
