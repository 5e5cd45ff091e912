-- Every statement of the store. A heading, a line of purpose, the statement.

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

-- start_cycle --
-- Swarm begins to execute a lease, once.
UPDATE attempt SET swarm = :swarm, started = :now WHERE task = :task AND lease = :lease AND swarm IS NULL;

-- record_outcome --
-- What the attempt brought, once.
UPDATE attempt SET outcome = :outcome, ended = :now
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
WHERE id > :stem || '.' AND id < :stem || '/' AND length(id) = length(:stem) + 17 AND source = 'schedule'
  AND +state IN ('blocked', 'delayed', 'ready', 'running', 'review') LIMIT 1; -- not by state: too many are open

-- set_not_before --
-- The next firing of a schedule.
UPDATE task SET not_before = :not_before WHERE seq = :seq;

-- insert_decision --
-- Ask a person.
INSERT INTO decision (id, kind, task, question, digest, payload, options, asked)
VALUES (:id, :kind, :task, :question, :digest, :payload, :options, :now);

-- get_decision --
-- A decision by its id.
SELECT decision.*, task.id AS task_id FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.id = :id;

-- open_decision_of --
-- The open decision about a task.
SELECT decision.*, task.id AS task_id FROM decision JOIN task ON task.seq = decision.task
WHERE task.id = :id AND decision.answer IS NULL ORDER BY asked LIMIT 1;

-- open_decisions --
-- Everything that waits for a person, oldest first.
SELECT decision.*, task.id AS task_id FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL ORDER BY asked, decision.rowid;

-- last_agreement --
-- The newest answer to the question whether a task may run.
SELECT answer, payload FROM decision
WHERE task = :task AND kind = 'execution' AND answer IS NOT NULL ORDER BY rowid DESC LIMIT 1;

-- last_plan_answer --
-- The newest answer to the question whether a task is split.
SELECT answer, payload FROM decision
WHERE task = :task AND kind = 'plan' AND answer IS NOT NULL ORDER BY rowid DESC LIMIT 1;

-- open_decision_of_kind --
-- The open decision of a kind that has no task.
SELECT *, NULL AS task_id FROM decision WHERE kind = :kind AND answer IS NULL ORDER BY asked LIMIT 1;

-- answer_decision --
-- Answer a decision; the first answer wins.
UPDATE decision SET answer = :answer, answered = :now, answered_by = :by, comment = :comment
WHERE id = :id AND answer IS NULL;

-- insert_grant --
-- Tokens for an identity, once for a task.
INSERT OR IGNORE INTO reward_grant (task_id, identity_id, tokens_requested, tokens_awarded, budget_used,
                                    max_budget, confidence, reason, granted_at)
VALUES (:task_id, :identity_id, :tokens_requested, :tokens_awarded, :budget_used, :max_budget, :confidence,
        :reason, :granted_at);

-- grants --
-- Every grant, oldest first.
SELECT * FROM reward_grant ORDER BY granted_at, task_id, identity_id;

-- grants_of --
-- What was granted for a task.
SELECT identity_id, tokens_awarded AS tokens FROM reward_grant WHERE task_id = :task_id ORDER BY identity_id;

-- insert_entry --
-- What an identity earned or paid, as long as it has that much; once for each thing.
INSERT INTO reward_entry (identity_id, kind, subject, tokens, earned, balance, day, at)
SELECT :identity, :kind, :subject, :tokens, coalesce(earned, 0) + max(:tokens, 0), coalesce(balance, 0) + :tokens,
       :day, :at
FROM (SELECT 1) LEFT JOIN (
    SELECT earned, balance FROM reward_entry WHERE identity_id = :identity ORDER BY seq DESC LIMIT 1
) WHERE coalesce(balance, 0) + :tokens >= 0
ON CONFLICT (identity_id, kind, subject) DO NOTHING;

-- last_entry_of --
-- The newest row of an identity's ledger.
SELECT * FROM reward_entry WHERE identity_id = :identity ORDER BY seq DESC LIMIT 1;

-- last_entries --
-- The newest row of every identity's ledger, by name.
SELECT * FROM reward_entry WHERE seq IN (SELECT max(seq) FROM reward_entry GROUP BY identity_id)
ORDER BY identity_id;

-- last_entry --
-- How far the ledger goes.
SELECT max(seq) AS seq FROM reward_entry;

-- entry_about --
-- Whether something was earned or paid for.
SELECT seq FROM reward_entry WHERE identity_id = :identity AND kind = :kind AND subject = :subject;

-- newest_entries --
-- The newest rows of the ledger, of one identity or of all, newest first, each grant with what it was made of.
SELECT reward_entry.*, tokens_requested, tokens_awarded, budget_used, max_budget, confidence, reason, granted_at
FROM reward_entry LEFT JOIN reward_grant
    ON kind = 'grant' AND task_id = subject AND reward_grant.identity_id = reward_entry.identity_id
WHERE :identity IS NULL OR reward_entry.identity_id = :identity ORDER BY seq DESC LIMIT :limit;

-- free_time_of_day --
-- How much free time was bought on a day.
SELECT count(*) AS count FROM reward_entry WHERE kind = 'free_time' AND day = :day;

-- free_time_of --
-- How much free time an identity ever bought.
SELECT count(*) AS count FROM reward_entry WHERE identity_id = :identity AND kind = 'free_time';

-- is_free_time --
-- Whether a task, or one it is a part of, is an identity's free time.
WITH RECURSIVE up (id, plan_parent, source) AS (
    SELECT id, plan_parent, source FROM task WHERE id = :id
    UNION ALL
    SELECT task.id, task.plan_parent, task.source FROM up JOIN task ON task.id = up.plan_parent
)
SELECT 1 AS found FROM up WHERE source = 'free_time' LIMIT 1;

-- spent_with_parts --
-- What a task that was split cost, with all of its parts.
WITH RECURSIVE part (id) AS (
    SELECT :id UNION ALL SELECT task.id FROM part JOIN task ON task.plan_parent = part.id
)
SELECT coalesce(sum(spent), 0) AS micros FROM part JOIN budget ON scope = 'task' AND name = part.id AND day = '';

-- note_identity --
-- Who an attempt was made as.
UPDATE attempt SET identity = :identity WHERE task = :task AND lease = :lease;

-- identity_statistics --
-- What became of the attempts that were made as each identity, and what they cost.
SELECT identity, count(*) AS attempts, count(DISTINCT task) AS tasks,
       count(*) FILTER (WHERE became = 'approved') AS approved,
       count(*) FILTER (WHERE became = 'rejected') AS rejected,
       count(*) FILTER (WHERE became = 'failed') AS failed,
       coalesce(sum(json_extract(outcome, '$.cost_micros')), 0) AS cost_micros,
       max(ended) AS last_ended
FROM attempt INDEXED BY attempt_identity
WHERE identity IS NOT NULL AND (:identity IS NULL OR identity = :identity) GROUP BY identity;

-- unrewarded --
-- Approvals of tasks with an identity that granted nothing, newest first; among the newest events only.
SELECT ts, task_id, data FROM event
WHERE seq > (SELECT max(seq) FROM event) - 100000 AND event = 'task.approved'
  AND json_extract(data, '$.phase5_reward_applied') = 0
  AND (:identity IS NULL OR json_extract(data, '$.phase5_reward_identity') = :identity)
ORDER BY seq DESC LIMIT :limit;

-- held_by_identities --
-- The identities that hold tasks, whose files cannot be used.
SELECT DISTINCT held_by FROM task INDEXED BY task_held
WHERE state = 'delayed' AND held_by >= 'identity:' AND held_by < 'identity;';

-- any_unrested --
-- Whether something is to do, waits for money or the like, or free time bought before is not over.
SELECT 1 AS found FROM task WHERE state IN ('ready', 'running')
UNION ALL
SELECT 1 FROM task INDEXED BY task_held WHERE state = 'delayed' AND held_by IS NOT NULL
UNION ALL
SELECT 1 FROM task INDEXED BY task_free_time
WHERE source = 'free_time' AND state IN ('delayed', 'blocked', 'review') LIMIT 1;

-- insert_journal --
-- An entry of a journal, unless its words stand there.
INSERT OR IGNORE INTO journal (identity_id, text, digest, written_by, written_at)
VALUES (:identity, :text, :digest, :by, :at);

-- restore_journal --
-- An entry that the history tells of.
INSERT OR IGNORE INTO journal (number, identity_id, text, digest, written_by, written_at)
VALUES (:number, :identity, :text, :digest, :by, :at);

-- journal_like --
-- The entry with these words.
SELECT number FROM journal WHERE identity_id = :identity AND digest = :digest;

-- journal_entries --
-- The newest entries of a journal, or of all, newest first.
SELECT * FROM journal WHERE :identity IS NULL OR identity_id = :identity ORDER BY number DESC LIMIT :limit;

-- journal_entry --
-- An entry by its number.
SELECT * FROM journal WHERE number = :number;

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

-- shown_of --
-- What the queue file shows of the tasks named in a JSON list of ids.
SELECT task.id, task.state, shown.section, shown.text
FROM task LEFT JOIN shown ON shown.task = task.seq
WHERE task.id IN (SELECT value FROM json_each(:ids));

-- namesakes --
-- Tasks whose id was made of the same words, with the revision that first showed each.
SELECT task.id, (
    SELECT min(first_revision) FROM projected WHERE projected.task = task.seq AND length(hash) > 0
) AS first_shown
FROM task WHERE id = :base OR (id > :base || '-' AND id < :base || '.') ORDER BY length(id), id;

-- renderings_of --
-- Every way the queue file has shown a task.
SELECT first_revision, hash, version, status FROM projected WHERE task = :task ORDER BY first_revision;

-- versions_of --
-- Every earlier text of a task.
SELECT version, doc FROM task_version WHERE task = :task;

-- pending_shown_at --
-- Pending tasks that a revision of the queue file showed among its tasks.
SELECT task.id FROM task JOIN projected ON projected.task = task.seq
WHERE task.state IN ('blocked', 'delayed', 'ready') AND length(projected.hash) > 0
  AND projected.status IN ('pending', 'in_progress', 'pending_review')
  AND projected.first_revision = (
    SELECT max(first_revision) FROM projected AS earlier
    WHERE earlier.task = task.seq AND earlier.first_revision <= :revision
  )
ORDER BY task.seq;

-- dirty_batch --
-- The first tasks whose entry in the queue file must be rendered anew, with what it shows now.
SELECT task.*, shown.section AS shown_section, shown.text AS shown_text
FROM dirty JOIN task ON task.seq = dirty.task LEFT JOIN shown ON shown.task = dirty.task
ORDER BY dirty.task LIMIT :limit;

-- clear_dirty --
-- These entries are rendered.
DELETE FROM dirty WHERE task IN (SELECT value FROM json_each(:tasks));

-- any_dirty --
-- Whether an entry must be rendered anew.
SELECT EXISTS (SELECT 1 FROM dirty) AS found;

-- mark_ready_dirty --
-- What holds the ready tasks has changed.
INSERT OR IGNORE INTO dirty (task) SELECT seq FROM task WHERE state = 'ready';

-- newest_ended --
-- The newest tasks that ended in a state.
SELECT seq, finished FROM task WHERE state = :state ORDER BY finished DESC, seq DESC LIMIT :limit;

-- shown_ended --
-- Ended tasks that the queue file shows.
SELECT task.seq, task.finished, shown.section, shown.text
FROM shown JOIN task ON task.seq = shown.task WHERE shown.section IN ('completed', 'failed');

-- shown_tasks --
-- Entries under `tasks` of the queue file after a place.
SELECT task, text FROM shown WHERE section = 'tasks' AND task > :after ORDER BY task LIMIT :limit;

-- put_shown --
-- What the queue file shows of a task.
INSERT INTO shown (task, section, text) VALUES (:task, :section, :text)
ON CONFLICT (task) DO UPDATE SET section = excluded.section, text = excluded.text;

-- delete_shown --
-- The queue file no longer shows a task.
DELETE FROM shown WHERE task = :task;

-- put_projected --
-- A task's entry as it stands in the queue file from a revision on.
INSERT OR REPLACE INTO projected (task, first_revision, hash, version, status)
VALUES (:task, :first_revision, :hash, :version, :status);

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

-- gate_facts --
-- What holds whole kinds of tasks back.
SELECT key, value FROM meta WHERE key IN
    ('paused', 'model_status', 'local_status', 'disk_full', 'audit_blocked', 'circuit_breaker', 'rate_limits',
     'processes');

-- get_shown --
-- A task's entry in the queue file as it was last rendered.
SELECT text FROM shown WHERE task = :task;

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

-- balance --
-- What counts against a limit.
SELECT * FROM budget WHERE scope = :scope AND name = :named AND day = :day;

-- balances --
-- What counts against every limit of today, and of runs and tasks that are held or have something reserved.
SELECT * FROM budget WHERE scope = 'total' OR (scope IN ('day', 'model') AND day = :day) OR (
    scope IN ('run', 'task') AND (reserved > 0 OR EXISTS (
        SELECT 1 FROM task INDEXED BY task_held
        WHERE state = 'delayed' AND held_by = budget.scope || ':' || budget.name)))
ORDER BY scope, name LIMIT 1000;

-- reserve --
-- The worst case of a call counts against a limit from now on.
INSERT INTO budget (scope, name, day, reserved) VALUES (:scope, :named, :day, :micros)
ON CONFLICT (scope, name, day) DO UPDATE SET reserved = reserved + excluded.reserved;

-- book --
-- A call has ended: what it cost counts in place of what was reserved.
UPDATE budget SET reserved = reserved - :reserved, spent = spent + :booked, unsettled = unsettled + :unsettled
WHERE scope = :scope AND name = :named AND day = :day;

-- top_up --
-- A person lets a limit have more.
INSERT INTO budget (scope, name, day, topped_up) VALUES (:scope, :named, :day, :micros)
ON CONFLICT (scope, name, day) DO UPDATE SET topped_up = topped_up + excluded.topped_up, declined_by = NULL;

-- decline --
-- A person will not let a limit have more.
INSERT INTO budget (scope, name, day, declined_by) VALUES (:scope, :named, :day, :by)
ON CONFLICT (scope, name, day) DO UPDATE SET declined_by = excluded.declined_by;

-- insert_spend --
-- A call may start; its worst case is reserved.
INSERT INTO spend (id, state, task_id, lease, model, owner, accounts, reserved, reserved_at)
VALUES (:id, 'reserved', :task_id, :lease, :model, :owner, :accounts, :micros, :now);

-- settle_spend --
-- A call has ended, once; at its worst case where nobody knows what it came to.
UPDATE spend SET state = :state, booked = coalesce(:booked, reserved), booked_at = :now
WHERE id = :id AND state = 'reserved' RETURNING *;

-- get_spend --
-- One call.
SELECT * FROM spend WHERE id = :id;

-- reserving_owners --
-- Processes that have something reserved.
SELECT DISTINCT owner FROM spend INDEXED BY spend_reserved WHERE state = 'reserved';

-- all_reserved --
-- Every call that is under way, or was when its process died.
SELECT * FROM spend WHERE state = 'reserved';

-- reserved_by --
-- The calls that a process has under way.
SELECT * FROM spend INDEXED BY spend_reserved WHERE state = 'reserved' AND owner = :owner;

-- spent_since --
-- Micro-dollars of the calls that have been booked since a moment.
SELECT coalesce(sum(booked), 0) AS micros FROM spend WHERE booked_at > :since;

-- put_price --
-- A price in use.
INSERT OR REPLACE INTO price (model, price, source, context_window, max_output)
VALUES (:model, :price, :source, :context_window, :max_output);

-- get_price --
-- The price in use of a model.
SELECT * FROM price WHERE model = :model;

-- prices --
-- Every price in use.
SELECT * FROM price ORDER BY model;

-- forget_prices --
-- Prices are found out anew.
DELETE FROM price;

-- buckets_of --
-- The token buckets of a model.
SELECT * FROM bucket WHERE model = :model;

-- buckets --
-- Every token bucket.
SELECT * FROM bucket;

-- put_bucket --
-- A token bucket as it is now.
INSERT OR REPLACE INTO bucket (model, kind, level, wanted, at, boot)
VALUES (:model, :kind, :level, :wanted, :at, :boot);

-- held_by --
-- Everything that holds tasks.
SELECT DISTINCT held_by FROM task INDEXED BY task_held WHERE state = 'delayed' AND held_by IS NOT NULL;

-- held_limits --
-- The limits that hold tasks, but for tasks' own.
SELECT DISTINCT held_by FROM task INDEXED BY task_held
WHERE state = 'delayed' AND held_by IS NOT NULL AND held_by NOT GLOB 'task:*' AND held_by NOT GLOB 'rate:*'
  AND held_by NOT GLOB 'price:*' AND held_by NOT GLOB 'identity:*';

-- held_tasks --
-- Who waits for a limit, the most urgent first.
SELECT seq, id, lease, needs, not_before, every FROM task INDEXED BY task_held
WHERE state = 'delayed' AND held_by = :held_by ORDER BY priority DESC, seq LIMIT :limit;

-- count_held --
-- How many tasks wait for a limit.
SELECT count(*) AS count FROM task INDEXED BY task_held WHERE state = 'delayed' AND held_by = :held_by;

-- promise --
-- A task that was let go will need this much.
UPDATE task SET needs = :needs WHERE seq = :seq;

-- promised --
-- How much those need that were let go and have not been claimed yet.
SELECT coalesce(sum(needs), 0) AS micros FROM task INDEXED BY task_promised
WHERE state = 'ready' AND needs IS NOT NULL;

-- held_by_themselves --
-- Tasks that wait for their own limit and that nobody has been asked about, the oldest limit's name first.
SELECT seq, id, lease, needs, not_before, every, doc FROM task INDEXED BY task_held
WHERE state = 'delayed' AND held_by GLOB 'task:*' AND NOT EXISTS (
    SELECT 1 FROM decision WHERE decision.task = task.seq AND kind = 'budget' AND answer IS NULL
) AND NOT EXISTS (
    SELECT 1 FROM budget WHERE scope = 'task' AND name = task.id AND day = '' AND declined_by IS NOT NULL
) LIMIT :limit;

-- tell_held --
-- Say more to those who wait for a limit.
UPDATE task SET waiting_for = waiting_for || :more
WHERE state = 'delayed' AND held_by = :held_by RETURNING seq;

-- open_budget_decisions --
-- Questions about limits.
SELECT decision.*, task.id AS task_id FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL AND decision.kind = 'budget' ORDER BY asked, decision.id;

-- plan_task --
-- A task was split: it waits for its parts, and the claim that did it counts for nothing.
UPDATE task SET state = 'blocked', planned = 1, waiting_on = :waiting_on, attempts = attempts - :uncounted, owner = NULL,
    lease_expires = NULL, waiting_for = NULL, reason = NULL
WHERE seq = :seq;

-- insert_plan --
-- How a task was split, once.
INSERT OR IGNORE INTO plan (task, intent, score, features, made)
VALUES (:task, :intent, :score, :features, :now);

-- make_subtasks --
-- The tasks named in a JSON list of ids are the parts of another.
UPDATE task SET plan_parent = :parent WHERE id IN (SELECT value FROM json_each(:ids));

-- insert_plan_edges --
-- A task that was split waits for its parts, whatever its depends_on says.
INSERT OR IGNORE INTO edge (child, parent) SELECT :seq, id FROM task WHERE plan_parent = :parent;

-- mark_planned --
-- A task was split, as the history tells.
UPDATE task SET planned = 1 WHERE seq = :seq;

-- plan_of --
-- How a task was split, by the task's id.
SELECT plan.* FROM plan JOIN task ON task.seq = plan.task WHERE task.id = :id;

-- subtasks_of --
-- The parts of a task, in their order.
SELECT * FROM task WHERE plan_parent = :parent ORDER BY seq;

-- plan_depth --
-- How often the words of a task were split before they became this task.
WITH RECURSIVE up (id) AS (
    SELECT plan_parent FROM task WHERE id = :id
    UNION ALL
    SELECT task.plan_parent FROM up JOIN task ON task.id = up.id
)
SELECT count(id) AS depth FROM up;

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
SELECT seq, 'task', :now, 'due' FROM task WHERE seq = :seq AND json_extract(result, '$.may_write') = 1;

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
-- note_tool --
-- An attempt was routed to a tool.
UPDATE attempt SET tool = :tool, saved_tokens = :saved_tokens WHERE task = :task AND lease = :lease;

-- note_tool_start --
-- The command of a tool begins, in place of a model.
UPDATE attempt SET tool = :tool, tool_effect = :effect WHERE task = :task AND lease = :lease;

-- tool_uses --
-- What became of the attempts of each tool.
SELECT * FROM tool_use;
