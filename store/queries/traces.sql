-- What spans and figures are made of: the history and the audit in stretches, and what their rows name.

-- get_trace_salt --
-- What the ids of this home's spans are derived with.
SELECT salt FROM trace_salt;

-- traced_events --
-- The events of a stretch that are of some kinds.
SELECT seq, ts, event, task_id, data FROM event
WHERE seq > :after AND seq <= :upto AND event IN (SELECT value FROM json_each(:kinds)) ORDER BY seq;

-- traced_audit --
-- What the audit says of model calls in a stretch.
SELECT seq, ts, decision, task_id, lease, rule, cost_micros, data FROM audit
WHERE seq > :after AND seq <= :upto AND event = 'model_call' ORDER BY seq;

-- last_audit_seq --
-- The last place in the audit.
SELECT coalesce(max(seq), 0) AS seq FROM audit;

-- traced_attempts --
-- The attempts of a task that have ended, after a lease.
SELECT attempt.* FROM attempt JOIN task ON task.seq = attempt.task
WHERE task.id = :id AND attempt.lease > :after AND attempt.became IS NOT NULL ORDER BY attempt.lease;

-- traced_checks --
-- The commands that checked the result of an attempt.
SELECT name, started, ended, outcome FROM review_check
WHERE task = :task AND lease = :lease AND name >= 'command:' AND name < 'command;' ORDER BY started, name;

-- traced_end_before --
-- When a task or an attempt of it ended last before a place in the history.
SELECT ts FROM event WHERE task_id = :id AND seq < :seq AND event IN (SELECT value FROM json_each(:kinds))
ORDER BY seq DESC LIMIT 1;

-- traced_task --
-- What the span of a task tells of it.
SELECT seq, id, state, code, created, finished, attempts, doc FROM task WHERE id = :id;

-- traced_run --
-- What the span of a run tells of it.
SELECT id, name, state, code, tasks, created, finished, traceparent FROM run WHERE id = :id;

-- runs_by_state --
-- How many runs are in each state.
SELECT state, count(*) AS count FROM run INDEXED BY run_state GROUP BY state;
