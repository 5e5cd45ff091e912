-- The audit, and the ends that the circuit breaker looks at.

-- insert_audit --
-- A decision, in the transaction it guards.
INSERT INTO audit (ts, boot, event, decision, actor, task_id, lease, rule, digest, cost_micros, data)
VALUES (:ts, :boot, :event, :decision, :actor, :task_id, :lease, :rule, :digest, :cost_micros, :data);

-- put_audit --
-- A decision of an earlier database, as it was.
INSERT INTO audit (seq, ts, boot, event, decision, actor, task_id, lease, rule, digest, cost_micros, data)
VALUES (:seq, :ts, :boot, :event, :decision, :actor, :task_id, :lease, :rule, :digest, :cost_micros, :data);

-- last_audit --
-- The newest decisions.
SELECT * FROM audit ORDER BY seq DESC LIMIT :limit;

-- audit_after --
-- Decisions after a place.
SELECT * FROM audit WHERE seq > :after ORDER BY seq LIMIT :limit;

-- ends_after --
-- How tasks ended after a place in the history, and where the circuit breaker was reset.
SELECT event.seq, event.ts, event.event, event.task_id, task.lane, json_extract(event.data, '$.code') AS code,
    json_extract(event.data, '$.reason') AS reason, json_extract(event.data, '$.reviewer') AS reviewer
FROM event LEFT JOIN task ON task.id = event.task_id
WHERE event.seq > :after AND event.event IN ('task.approved', 'task.failed', 'daemon.breaker_reset')
ORDER BY event.seq LIMIT :limit;

-- newest_ends --
-- The same, the newest first.
SELECT event.seq, event.ts, event.event, event.task_id, task.lane, json_extract(event.data, '$.code') AS code,
    json_extract(event.data, '$.reason') AS reason, json_extract(event.data, '$.reviewer') AS reviewer
FROM event LEFT JOIN task ON task.id = event.task_id
WHERE event.event IN ('task.approved', 'task.failed', 'daemon.breaker_reset')
ORDER BY event.seq DESC LIMIT :limit;

-- reset_after --
-- Whether the circuit breaker was reset after a place in the history.
SELECT seq FROM event WHERE seq > :after AND event = 'daemon.breaker_reset' LIMIT 1;
