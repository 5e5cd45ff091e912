-- What people are asked, and what they answered.

-- insert_decision --
-- Ask a person.
INSERT INTO decision (id, kind, task, question, digest, payload, options, asked, deadline)
VALUES (:id, :kind, :task, :question, :digest, :payload, :options, :now, :deadline);

-- get_decision --
-- A decision by its id.
SELECT decision.*, task.id AS task_id FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.id = :id;

-- open_decision_of --
-- The open decision about a task.
SELECT decision.*, task.id AS task_id FROM decision JOIN task ON task.seq = decision.task
WHERE task.id = :id AND decision.answer IS NULL ORDER BY asked LIMIT 1;

-- open_reviews_of --
-- What waits for a person about the results of some tasks, in the order of their ids.
SELECT decision.*, task.id AS task_id
FROM json_each(:ids) AS wanted CROSS JOIN task ON task.id = wanted.value
CROSS JOIN decision INDEXED BY decision_task ON decision.task = task.seq
WHERE decision.answer IS NULL AND decision.kind = 'review'
ORDER BY wanted.key LIMIT :limit;

-- open_decisions --
-- Everything that waits for a person, what is overdue first, then oldest first.
SELECT decision.*, task.id AS task_id FROM decision INDEXED BY decision_waiting
LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL ORDER BY rank, asked, decision.rowid;

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

-- open_decisions_of_kind --
-- The open decisions of a kind that have no task, oldest first.
SELECT *, NULL AS task_id FROM decision WHERE kind = :kind AND answer IS NULL ORDER BY asked LIMIT 100;

-- answer_decision --
-- Answer a decision; the first answer wins.
UPDATE decision SET answer = :answer, answered = :now, answered_by = :by, comment = :comment
WHERE id = :id AND answer IS NULL;

-- count_open_decisions --
-- How many questions wait for a person.
SELECT count(*) AS count FROM decision WHERE answer IS NULL;

-- open_decision_of_no_task --
-- Whether any question that waits for a person is about no task.
SELECT 1 AS found FROM decision INDEXED BY decision_task WHERE task IS NULL AND answer IS NULL LIMIT 1;

-- open_decisions_after --
-- Questions that wait for a person, what is overdue first, then oldest first, after the one in row `after`.
SELECT decision.*, decision.rowid AS place, task.id AS task_id
FROM decision INDEXED BY decision_waiting LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL AND (decision.rank, decision.asked, decision.rowid) >
    (coalesce((SELECT rank FROM decision WHERE rowid = :after), -1),
     coalesce((SELECT asked FROM decision WHERE rowid = :after), -1e18), :after)
ORDER BY decision.rank, decision.asked, decision.rowid LIMIT :limit;

-- answered_before --
-- Questions that were answered, the newest answer first, before the one in row `before`.
SELECT decision.*, decision.rowid AS place, task.id AS task_id
FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NOT NULL AND (decision.answered, decision.rowid) <
    (coalesce((SELECT answered FROM decision WHERE rowid = :before), 1e18), :before)
ORDER BY decision.answered DESC, decision.rowid DESC LIMIT :limit;

-- open_decisions_alone --
-- The oldest questions that no task in review carries.
SELECT decision.*, task.id AS task_id FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL AND (decision.task IS NULL OR decision.kind = 'budget')
ORDER BY decision.asked, decision.rowid LIMIT :limit;

-- count_asked_since --
-- How many questions were asked after a time and still wait.
SELECT count(*) AS count FROM decision WHERE answer IS NULL AND asked > :since;

-- next_decision_deadline --
-- When the next deadline of a question passes.
SELECT min(deadline) AS moment FROM decision INDEXED BY decision_deadline
WHERE answer IS NULL AND deadline IS NOT NULL AND rank = 1;

-- decisions_past_deadline --
-- The first questions whose deadline has passed and who have not been told so.
SELECT decision.*, task.id AS task_id FROM decision INDEXED BY decision_deadline
LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL AND decision.deadline IS NOT NULL AND decision.rank = 1
  AND decision.deadline <= :now ORDER BY decision.deadline LIMIT :limit;

-- note_overdue --
-- A question is overdue and goes on waiting.
UPDATE decision SET rank = 0 WHERE id = :id AND answer IS NULL;

-- put_decision_deadline --
-- Until when an open question waits from here on; it is not overdue any more.
UPDATE decision SET deadline = :deadline, rank = 1 WHERE id = :id AND answer IS NULL;

-- run_decisions --
-- What people are or were asked about the tasks of a run and of those within it, and are about their budgets and
-- those of parts of them, oldest first.
WITH RECURSIVE family(seq, id) AS (
    SELECT :run, :called
    UNION
    SELECT run.seq, run.id FROM family CROSS JOIN run_task ON run_task.run = family.seq
    CROSS JOIN run ON run.id = run_task.child
    WHERE run_task.child IS NOT NULL
)
SELECT decision.*, task.id AS task_id, family.id AS run_id FROM family
CROSS JOIN run_task ON run_task.run = family.seq CROSS JOIN decision ON decision.task = run_task.task
CROSS JOIN task ON task.seq = run_task.task
UNION ALL
SELECT decision.*, NULL AS task_id, family.id AS run_id FROM decision
CROSS JOIN family ON json_extract(decision.payload, '$.limit') = 'run:' || family.id
    OR (json_extract(decision.payload, '$.limit') > 'subtree:' || family.id || ':'
        AND json_extract(decision.payload, '$.limit') < 'subtree:' || family.id || ';')
WHERE decision.task IS NULL AND decision.answer IS NULL AND decision.kind = 'budget'
ORDER BY asked, id LIMIT :limit;

-- run_is_within --
-- Whether a run does work of another, or of one that does.
WITH RECURSIVE above(id) AS (
    SELECT :inner
    UNION
    SELECT substr(run.parent, 1, instr(run.parent, ':') - 1) FROM above CROSS JOIN run ON run.id = above.id
    WHERE run.parent IS NOT NULL
)
SELECT 1 FROM above WHERE id = :outer;
