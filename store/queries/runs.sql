-- Runs, and what their tasks are beside tasks.

-- last_run_seq --
-- The last place taken by a run.
SELECT coalesce(max(seq), 0) AS seq FROM run;

-- insert_run --
-- Enter a run.
INSERT INTO run (seq, id, name, state, request, policy, memory, on_failure, budget_micros, max_tasks, tasks, open,
                 is_open, deadline, idempotency_key, digest, forked_from, traceparent, source, after_event, created,
                 parent, depth, foreign_inputs)
VALUES (:seq, :id, :called, 'running', :request, :policy, :memory, :on_failure, :budget_micros, :max_tasks, :tasks,
        :tasks, :is_open, :deadline, :idempotency_key, :digest, :forked_from, :traceparent, :source, :after_event,
        :created, :parent, :depth, :foreign_inputs);

-- insert_run_task --
-- What a task of a run is beside a task.
INSERT INTO run_task (task, run, id, doc, required, needs_any, parent, subtree_micros, added_by, depth, round, previous)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- put_items --
-- The tasks that a task became: those that do its items, or the end of its next round.
UPDATE run_task SET items = :items WHERE task = :task;

-- wait_for_items --
-- A task goes back to wait for the tasks it became; the claim that comes then takes the place of this one.
UPDATE task SET state = 'blocked', waiting_on = :waiting_on, attempts = attempts - 1, owner = NULL,
    lease_expires = NULL
WHERE seq = :seq;

-- needs_of --
-- What a task of a run depends on and what it became, by ids within the run, and whether one dependency will do.
SELECT needs_any, json_extract(doc, '$.deps') AS deps, items FROM run_task WHERE task = :task;

-- note_begun --
-- A task ends that waited for those it became, or for the run that does it: it was begun, which is an attempt.
UPDATE task SET attempts = max(attempts, 1) WHERE seq = :seq;

-- is_in_rounds --
-- A task that became another round of itself; nothing for any other.
SELECT 1 AS found FROM run_task
WHERE task = :task AND items IS NOT NULL AND json_extract(doc, '$.repeat') IS NOT NULL;

-- failed_first --
-- Of a task and those for whose sake it failed, near and far, the one that failed by itself: none that needed
-- another, and none that waited for a further round of itself.
WITH RECURSIVE back (seq, height) AS (
    SELECT seq, 0 FROM task WHERE id = :id
    UNION
    SELECT task.seq, back.height + 1 FROM back JOIN task AS child ON child.seq = back.seq
    JOIN edge ON edge.child = child.seq JOIN task ON task.id = edge.parent
    LEFT JOIN run_task ON run_task.task = child.seq
    WHERE (child.code = 'dependency_failed' OR (run_task.items IS NOT NULL
            AND json_extract(run_task.doc, '$.repeat') IS NOT NULL))
        AND task.state IN ('failed', 'safety_blocked', 'cancelled')
)
SELECT task.id, task.state, task.code, task.reason
FROM back JOIN task ON task.seq = back.seq LEFT JOIN run_task ON run_task.task = task.seq
WHERE coalesce(task.code, '') <> 'dependency_failed' AND NOT (task.state = 'failed' AND run_task.items IS NOT NULL
    AND json_extract(run_task.doc, '$.repeat') IS NOT NULL)
ORDER BY back.height, task.seq LIMIT 1;

-- get_run --
-- A run by its id.
SELECT * FROM run WHERE id = :id;

-- run_by_key --
-- The run that was started under an idempotency key, or that something was done to under it, and what was asked.
SELECT id, digest FROM run WHERE idempotency_key = :key
UNION ALL SELECT run AS id, digest FROM run_request WHERE key = :key;

-- note_run_request --
-- A request to a run was done under an idempotency key.
INSERT INTO run_request (key, digest, run, at) VALUES (:key, :digest, :run, :now);

-- run_budget --
-- What a run may spend by its own policy.
SELECT budget_micros FROM run WHERE id = :id;

-- run_added --
-- Tasks were added to a run.
UPDATE run SET tasks = tasks + :count, open = open + :count WHERE seq = :seq;

-- run_tasks_ended --
-- Tasks of a run have ended. What the run was asked with may be long, and is not read back at every end.
UPDATE run SET open = open - :count WHERE id = :id RETURNING seq, open, is_stopping, on_failure;

-- run_reopened --
-- Tasks of a run were sent back: it goes on.
UPDATE run SET open = open + :count, state = 'running', is_stopping = 0, ends_as = NULL, code = NULL,
    reason = NULL, finished = NULL, deadline = :deadline
WHERE id = :id RETURNING *;

-- run_decided --
-- It is decided what a run comes to; the first word stands.
UPDATE run SET state = :state, ends_as = :ends_as, code = :code, reason = :reason, is_stopping = :is_stopping
WHERE seq = :seq AND state = 'running' AND is_stopping = 0 AND (ends_as IS NULL OR :is_stopping = 1) RETURNING *;

-- run_finished --
-- A run has ended: nothing of it is left to end, and nothing more may come.
UPDATE run SET state = coalesce(ends_as, 'completed'), finished = :now, is_open = 0
WHERE seq = :seq AND open = 0 AND state IN ('running', 'aborting')
  AND (is_open = 0 OR is_stopping = 1)
RETURNING *;

-- run_closed --
-- Nothing more may be added to a run.
UPDATE run SET is_open = 0 WHERE seq = :seq;

-- run_losses --
-- Of the tasks named in a JSON list of ids, those a run may fail with: before those that needed another which
-- failed the ones that failed themselves, in the order they were entered.
SELECT task.id, run_task.id AS name, task.state, task.code, task.reason, run_task.required
FROM task JOIN run_task ON run_task.task = task.seq
WHERE task.id IN (SELECT value FROM json_each(:ids)) AND +task.state <> 'approved'
  AND coalesce(task.code, '') NOT IN ('condition_not_met', 'dependency_skipped', 'run_ended')
ORDER BY coalesce(task.code, '') = 'dependency_failed', task.seq;

-- run_unstarted --
-- Tasks of a run that nobody runs and that have not ended; of each whether it became others, and so has begun.
SELECT task.*, run_task.items IS NOT NULL AS became_others FROM run_task CROSS JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND +task.state IN ('blocked', 'delayed', 'ready', 'review') ORDER BY run_task.id;

-- run_running --
-- Tasks of a run that run.
SELECT task.* FROM run_task CROSS JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND +task.state = 'running' ORDER BY run_task.id;

-- run_incomplete --
-- Tasks of a run that ended without being approved.
SELECT task.* FROM run_task CROSS JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND +task.state IN ('failed', 'safety_blocked', 'cancelled') ORDER BY run_task.id;

-- runs_overdue --
-- Runs whose time is up, but for those that are being stopped already.
SELECT id FROM run INDEXED BY run_deadline
WHERE state = 'running' AND is_stopping = 0 AND deadline IS NOT NULL AND deadline <= :now ORDER BY deadline LIMIT 100;

-- next_run_deadline --
-- When the next run's time is up that is not being stopped already.
SELECT min(deadline) AS moment FROM run INDEXED BY run_deadline
WHERE state = 'running' AND is_stopping = 0 AND deadline IS NOT NULL;

-- run_task_of --
-- What a task of a run is beside a task, and what its run tells every task.
SELECT run_task.id, run_task.doc, run_task.items, run_task.depth, run_task.round, run_task.previous, run.policy,
    run.memory, run.id AS run, run.seq AS run_seq, run.depth AS run_depth, run.deadline, run.foreign_inputs,
    run_task.child, run_task.child_over
FROM run_task JOIN run ON run.seq = run_task.run WHERE run_task.task = :task;

-- run_answers --
-- What came of the tasks named in a JSON list of ids.
SELECT task.id, task.state, task.result, run_task.later, run_task.round, run_task.outputs
FROM task LEFT JOIN run_task ON run_task.task = task.seq
WHERE task.id IN (SELECT value FROM json_each(:ids));

-- run_known_tasks --
-- Of the tasks of a run those that are named in a JSON list of their own ids.
SELECT run_task.id FROM run_task
WHERE run_task.run = :run AND run_task.id IN (SELECT value FROM json_each(:ids));

-- run_taken_ids --
-- Of ids within a run, a JSON list, those that a task has; also one that was lost with a damaged database.
SELECT substr(id, length(:run) + 2) AS id,
    code IS 'lost' OR NOT EXISTS (SELECT 1 FROM run_task WHERE run_task.task = task.seq) AS is_lost
FROM task
WHERE id IN (SELECT :run || ':' || value FROM json_each(:ids));

-- lost_tasks_of_run --
-- Tasks of a run of which nothing but their ids is left, since they came after the backup that was rebuilt from.
SELECT id FROM run_task WHERE run = :run AND doc = json_object('id', id) ORDER BY id;

-- lost_tasks_count --
-- How many tasks of a run were lost: those that had not completed.
SELECT count(*) AS count FROM run_task CROSS JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND +task.code = 'lost';

-- task_left_of_run --
-- A task that is called after a run, which may have been lost with a damaged database.
SELECT id FROM task WHERE id > :run || ':' AND id < :run || ';' LIMIT 1;

-- note_ledger --
-- What the attempt of a task of a run was told.
UPDATE run_task SET ledger = :ledger WHERE task = :task;

-- reuse_answer --
-- A task is given the answer that another has.
UPDATE task SET state = 'approved', result = :result, finished = :now, waiting_on = 0 WHERE id = :id;

-- note_reuse --
-- Where the answer of a task comes from.
UPDATE run_task SET reused_from = :run, outputs = (
    SELECT other.outputs FROM run_task AS other JOIN task ON task.seq = other.task WHERE task.id = :source
)
WHERE task = (SELECT seq FROM task WHERE id = :id);

-- note_hit --
-- A task takes the answer of another to the same question. It is nobody's source itself, by what it was asked before.
UPDATE run_task SET reused_from = :source, outputs = NULL, cache_key = NULL WHERE task = :task;

-- list_runs --
-- Runs before a place, the newest first, in some states.
SELECT * FROM run
WHERE seq < :before AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
ORDER BY seq DESC LIMIT :limit;

-- run_completed_count --
-- How many tasks of a run completed.
SELECT count(*) AS count FROM run_task JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND task.state = 'approved';

-- completed_of_lost_count --
-- How many tasks that bear the name of a run completed.
SELECT count(*) AS count FROM task WHERE id > :run || ':' AND id < :run || ';' AND state = 'approved';

-- run_tasks_shown --
-- The tasks of a run, as its page tells them.
SELECT task.*, run_task.id AS name, run_task.doc AS asked, run_task.ledger, run_task.reused_from, run_task.parent,
    run_task.added_by, run_task.depth, run_task.round, run_task.later, run_task.outputs, run_task.child
FROM run_task JOIN task ON task.seq = run_task.task WHERE run_task.run = :run ORDER BY task.seq;

-- standing_answers --
-- Tasks of a run, all or those of a JSON list of ids, whose answer is that of a later round: the last that completed.
WITH RECURSIVE chain (name, id, height) AS (
    SELECT id, later, 1 FROM run_task
    WHERE run = :run AND later IS NOT NULL AND round = 1
      AND (:names IS NULL OR id IN (SELECT value FROM json_each(:names)))
    UNION ALL
    SELECT chain.name, here.later, chain.height + 1
    FROM chain CROSS JOIN run_task AS here ON here.run = :run AND here.id = chain.id
    CROSS JOIN task ON task.seq = here.task
    WHERE task.state = 'approved' AND here.later IS NOT NULL
)
SELECT chain.name, chain.id AS answer_of, max(chain.height) AS height
FROM chain CROSS JOIN run_task ON run_task.run = :run AND run_task.id = chain.id
CROSS JOIN task ON task.seq = run_task.task
WHERE task.state = 'approved' GROUP BY chain.name;

-- held_within --
-- The first task that something keeps from going on, in a run or one within it.
WITH RECURSIVE family(seq) AS (
    SELECT seq FROM run WHERE id = :run
    UNION
    SELECT run.seq FROM family CROSS JOIN run_task ON run_task.run = family.seq
    CROSS JOIN run ON run.id = run_task.child
    WHERE run_task.child IS NOT NULL AND run_task.child_over = 0
)
SELECT task.* FROM family CROSS JOIN run_task ON run_task.run = family.seq CROSS JOIN task ON task.seq = run_task.task
WHERE task.state IN ('delayed', 'review') AND (task.held_by IS NULL OR task.held_by NOT GLOB 'child:*')
ORDER BY task.held_by IS NULL, task.seq LIMIT 1;

-- run_events_after --
-- The history of a run and of its tasks after a place.
SELECT * FROM event
WHERE seq > :after AND ((task_id > :run || ':' AND task_id < :run || ';') OR (
    task_id IS NULL AND data LIKE '%"run_id"%' AND json_extract(data, '$.run_id') = :run))
ORDER BY seq LIMIT :limit;

-- note_growth --
-- What follows when the answer of a task's last attempt counts.
UPDATE run_task SET growth = :growth WHERE task = :task;

-- growth_of --
-- What follows when the answer of a task counts, and how its run stands.
SELECT run_task.growth, run_task.id, run.seq AS run, run.id AS run_id, run.state, run.is_stopping
FROM run_task JOIN run ON run.seq = run_task.run WHERE run_task.task = :task;

-- put_outputs --
-- The named outputs of a task.
UPDATE run_task SET outputs = :outputs WHERE task = :task;

-- put_later --
-- The same task in the next round.
UPDATE run_task SET later = :later WHERE run = :run AND id = :id;

-- run_graph --
-- The tasks of a run as they were asked for, without those that do the items of others.
SELECT run_task.id, run_task.doc, run_task.round, task.doc AS task
FROM run_task JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND (run_task.parent IS NULL OR run_task.round > 1) ORDER BY task.seq;

-- run_shapes --
-- All tasks of a run as far as ids and dependencies go, with those that lists and rounds became.
SELECT id, json_extract(doc, '$.deps') AS deps, json_extract(doc, '$.for_each') IS NOT NULL AS is_list,
    json_extract(doc, '$.repeat') AS repeat, parent,
    CASE WHEN coalesce(json_extract(doc, '$.command'), json_extract(doc, '$.argv')) IS NOT NULL THEN 'command'
        WHEN json_extract(doc, '$.ask') IS NOT NULL THEN 'ask' WHEN json_extract(doc, '$.run') IS NOT NULL THEN 'run'
        WHEN json_extract(doc, '$.review') = 'human' THEN 'review' END AS does
FROM run_task WHERE run = :run;

-- rounds_behind --
-- Whether anything that waits for the tasks named in a JSON list, near or far, ends rounds of several tasks.
WITH RECURSIVE behind (id) AS (
    SELECT value FROM json_each(:ids)
    UNION
    SELECT task.id FROM behind CROSS JOIN edge ON edge.parent = behind.id CROSS JOIN task ON task.seq = edge.child
)
SELECT 1 FROM behind CROSS JOIN task ON task.id = behind.id CROSS JOIN run_task ON run_task.task = task.seq
WHERE json_extract(run_task.doc, '$.repeat.first') IS NOT NULL LIMIT 1;

-- copy_outputs --
-- A task has the named outputs of another, whose answer is its own.
UPDATE run_task SET outputs = (
    SELECT other.outputs FROM run_task AS other JOIN task ON task.seq = other.task WHERE task.id = :source
)
WHERE task = :task;

-- put_child --
-- The run that does a task.
UPDATE run_task SET child = :child, child_over = 0 WHERE task = :task;

-- child_over --
-- A task ended with the run that did it.
UPDATE run_task SET child_over = 1 WHERE task = :task;

-- hold_for_run --
-- A claimed task waits for the run that does it; the claim that comes then takes the place of this one.
UPDATE task SET state = 'delayed', not_before = NULL, held_by = :held_by, needs = NULL, waiting_for = :waiting_for,
    attempts = attempts - 1, owner = NULL, lease_expires = NULL
WHERE seq = :seq;

-- awaiting_run --
-- The task that waits for the run that does it.
SELECT * FROM task WHERE state = 'delayed' AND held_by = :held_by;

-- request_cancel_awaiting --
-- A task is to end when the run has ended that does it.
UPDATE task SET cancel_requested = 1, reason = :reason WHERE seq = :seq AND state = 'delayed';

-- wake_parent --
-- A run has ended: the task whose work it did is claimed once more.
UPDATE task SET state = 'ready', held_by = NULL, waiting_for = NULL WHERE state = 'delayed' AND held_by = :held_by;

-- runs_above --
-- The runs that a run is within, the nearest first.
WITH RECURSIVE above (id, height) AS (
    SELECT substr(parent, 1, instr(parent, ':') - 1), 1 FROM run WHERE id = :id AND parent IS NOT NULL
    UNION ALL
    SELECT substr(run.parent, 1, instr(run.parent, ':') - 1), height + 1
    FROM above JOIN run ON run.id = above.id WHERE run.parent IS NOT NULL AND height < 100
)
SELECT id FROM above ORDER BY height;

-- subtrees_above --
-- The limits of a task of a run and of those it stems from, each with all that stem from it; the narrowest first.
-- Then those of the task whose work its run does, where it is within another, and so on.
WITH RECURSIVE up (run, id, parent, micros, height) AS (
    SELECT run_task.run, run_task.id, coalesce(run_task.parent, run_task.added_by), run_task.subtree_micros, 0
    FROM task CROSS JOIN run_task ON run_task.task = task.seq WHERE task.id = :id
    UNION ALL
    SELECT above.run, above.id, coalesce(above.parent, above.added_by), above.subtree_micros, up.height + 1
    FROM up CROSS JOIN run_task AS above ON above.run = up.run AND above.id = up.parent WHERE up.height < 100
    UNION ALL
    SELECT beyond.run, beyond.id, coalesce(beyond.parent, beyond.added_by), beyond.subtree_micros, up.height + 1
    FROM up CROSS JOIN run ON run.seq = up.run CROSS JOIN task ON task.id = run.parent
    CROSS JOIN run_task AS beyond ON beyond.task = task.seq
    WHERE up.parent IS NULL AND run.parent IS NOT NULL AND up.height < 1000
)
SELECT run.id || ':' || up.id AS id, up.micros FROM up JOIN run ON run.seq = up.run
WHERE up.micros IS NOT NULL ORDER BY up.height;

-- subtree_limit --
-- What a task of a run with all that stem from it may cost.
SELECT run_task.subtree_micros FROM task CROSS JOIN run_task ON run_task.task = task.seq WHERE task.id = :id;

-- was_asked_for_by_an_answer --
-- Whether an answer asked for a task of a run, or for the one that it is an item or a round of.
WITH RECURSIVE up (run, parent, added_by, height) AS (
    SELECT run_task.run, run_task.parent, run_task.added_by, 0
    FROM task CROSS JOIN run_task ON run_task.task = task.seq WHERE task.id = :id
    UNION ALL
    SELECT above.run, above.parent, above.added_by, up.height + 1
    FROM up CROSS JOIN run_task AS above ON above.run = up.run AND above.id = up.parent WHERE up.height < 100
)
SELECT 1 FROM up WHERE added_by IS NOT NULL LIMIT 1;

-- get_summary --
-- What a task of a run was told in place of a text, or what is under way.
SELECT * FROM run_summary WHERE task = :task AND digest = :digest;

-- start_summary --
-- Swarm begins to ask for a summary; what came of an earlier try goes.
INSERT INTO run_summary (task, digest, lease, swarm, started_at) VALUES (:task, :digest, :lease, :swarm, :now)
ON CONFLICT (task, digest) DO UPDATE SET lease = excluded.lease, swarm = excluded.swarm,
    started_at = excluded.started_at, outcome = NULL, ended_at = NULL;

-- record_summary --
-- What came of a summary, once.
UPDATE run_summary SET outcome = :outcome, ended_at = :now
WHERE task = :task AND digest = :digest AND lease = :lease AND outcome IS NULL;

-- note_cache_key --
-- What the attempt of a task was asked, where its answer may be taken again.
UPDATE run_task SET cache_key = :key WHERE task = :task;

-- cached_answer --
-- The newest approved answer to a question, not older than a moment; none of rounds, where it may be that of another.
SELECT task.id, task.result FROM run_task INDEXED BY run_task_cache CROSS JOIN task ON task.seq = run_task.task
WHERE run_task.cache_key = :key AND +task.state = 'approved' AND +task.finished >= :since
  AND run_task.round = 1 AND json_extract(run_task.doc, '$.repeat') IS NULL
ORDER BY task.finished DESC LIMIT 1;
