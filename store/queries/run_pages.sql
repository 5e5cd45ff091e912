-- Runs as people look at them: lists and pages of bounded size, whatever a run has.

-- find_runs --
-- Of the runs between two places, the newest first, those in some states whose id or name holds some words.
SELECT * FROM run
WHERE run.seq < :before AND run.seq >= :least AND (:states IS NULL OR run.state IN (SELECT value FROM json_each(:states)))
  AND (:words IS NULL OR instr(lower(run.id || char(10) || coalesce(run.name, '')), lower(:words)) > 0)
ORDER BY run.seq DESC LIMIT :limit;

-- runs_reached --
-- The last of the newest runs before a place, so many at most, and how many they are.
SELECT coalesce(min(seq), 0) AS last, count(*) AS count FROM (
    SELECT seq FROM run WHERE seq < :before ORDER BY seq DESC LIMIT :reach);

-- run_counts --
-- How many tasks of a run are in each state, with what else says where each stands.
SELECT task.state, task.code, task.attempts > 0 AS has_begun,
    CASE WHEN instr('|' || task.lane || '|', '|' || :ask || '|') THEN :ask END AS ask, count(*) AS count
FROM run_task CROSS JOIN task ON task.seq = run_task.task WHERE run_task.run = :run GROUP BY 1, 2, 3, 4;

-- run_tasks_page --
-- Tasks of a run after one of them in the order of their ids; of one word, where it is named: its states, whether
-- it is the word of tasks that were skipped, and whether that of questions to a person.
SELECT task.*, run_task.id AS name, run_task.doc AS asked, run_task.ledger, run_task.reused_from, run_task.parent,
    run_task.required, run_task.added_by, run_task.round, run_task.outputs, run_task.child, run_task.later
FROM run_task CROSS JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND run_task.id > :after
  AND (:states IS NULL OR task.state IN (SELECT value FROM json_each(:states)))
  AND (:skipped IS NULL OR :skipped = (coalesce(task.code, '') IN (SELECT value FROM json_each(:skips))
                                      OR (task.state = 'cancelled' AND task.attempts = 0)))
  AND (:asks IS NULL OR :asks = (instr('|' || task.lane || '|', '|' || :ask || '|') > 0))
ORDER BY run_task.id LIMIT :limit;

-- run_task_named --
-- A task of a run by its id within the run.
SELECT task.*, run_task.id AS name, run_task.doc AS asked, run_task.ledger, run_task.reused_from, run_task.parent,
    run_task.required, run_task.added_by, run_task.round, run_task.outputs, run_task.child, run_task.later
FROM run_task JOIN task ON task.seq = run_task.task WHERE run_task.run = :run AND run_task.id = :id;

-- run_task_names --
-- The first tasks of a run that were asked for, by id.
SELECT id FROM run_task WHERE run = :run AND parent IS NULL ORDER BY id LIMIT :limit;

-- run_used_by --
-- What each of the tasks named in a JSON list of places has used over all its attempts and summaries.
WITH used AS MATERIALIZED (
    SELECT task.seq AS task, coalesce(budget.spent, 0) AS micros, (
        SELECT coalesce(sum(json_extract(outcome, '$.usage.prompt_tokens')), 0)
        FROM attempt WHERE attempt.task = task.seq AND outcome IS NOT NULL
    ) + (
        SELECT coalesce(sum(json_extract(outcome, '$.usage.prompt_tokens')), 0)
        FROM run_summary WHERE run_summary.task = task.seq AND outcome IS NOT NULL
    ) AS prompt_tokens, (
        SELECT coalesce(sum(json_extract(outcome, '$.usage.completion_tokens')), 0)
        FROM attempt WHERE attempt.task = task.seq AND outcome IS NOT NULL
    ) + (
        SELECT coalesce(sum(json_extract(outcome, '$.usage.completion_tokens')), 0)
        FROM run_summary WHERE run_summary.task = task.seq AND outcome IS NOT NULL
    ) AS completion_tokens
    FROM json_each(:tasks) CROSS JOIN task ON task.seq = json_each.value
    LEFT JOIN budget ON budget.scope = 'task' AND budget.name = task.id AND budget.day = ''
)
SELECT *, prompt_tokens + completion_tokens AS tokens FROM used;

-- run_words_of --
-- What says where each of the tasks named in a JSON list of ids stands.
SELECT id, state, code, attempts, lane FROM task WHERE id IN (SELECT value FROM json_each(:ids));

-- run_used_over_time --
-- What the attempts and summaries of a run's tasks used, and those of the runs that do tasks of it, in steps of
-- `step` seconds from a moment on.
WITH RECURSIVE own (seq) AS (
    SELECT :run
    UNION
    SELECT run.seq FROM own CROSS JOIN run_task ON run_task.run = own.seq JOIN run ON run.id = run_task.child
    WHERE run_task.child IS NOT NULL
), used (ended, attempts, outcome) AS (
    SELECT attempt.ended, 1, attempt.outcome
    FROM own CROSS JOIN run_task ON run_task.run = own.seq CROSS JOIN attempt ON attempt.task = run_task.task
    WHERE attempt.outcome IS NOT NULL AND attempt.ended IS NOT NULL
    UNION ALL
    SELECT run_summary.ended_at, 0, run_summary.outcome
    FROM own CROSS JOIN run_task ON run_task.run = own.seq CROSS JOIN run_summary ON run_summary.task = run_task.task
    WHERE run_summary.outcome IS NOT NULL AND run_summary.ended_at IS NOT NULL
)
SELECT max(0, cast((ended - :since) / :step AS INTEGER)) AS step, sum(attempts) AS attempts,
    sum(coalesce(json_extract(outcome, '$.usage.prompt_tokens'), 0)
        + coalesce(json_extract(outcome, '$.usage.completion_tokens'), 0)) AS tokens,
    sum(coalesce(json_extract(outcome, '$.cost_micros'), 0)) AS micros
FROM used GROUP BY 1 ORDER BY 1;

-- run_bars --
-- The tasks of a run that took longest, or run longest.
SELECT run_task.id AS name, task.id, task.state, task.code, task.attempts, task.lane, task.started, task.finished
FROM run_task CROSS JOIN task ON task.seq = run_task.task
WHERE run_task.run = :run AND task.started IS NOT NULL
ORDER BY coalesce(task.finished, :now) - task.started DESC, run_task.id LIMIT :limit;

-- run_forks --
-- The newest runs that were forked from one, from a place on; a fork is younger than what it was made of.
SELECT id, state FROM run WHERE seq >= :least AND forked_from = :id ORDER BY seq DESC LIMIT :limit;

-- open_decisions_of_run --
-- Questions about the tasks of a run, and about its budget and those of parts of it, that wait for a person, oldest
-- first.
SELECT decision.*, task.id AS task_id FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL AND ((task.id > :run || ':' AND task.id < :run || ';')
    OR (decision.kind = 'budget' AND (json_extract(decision.payload, '$.limit') = 'run:' || :run
        OR (json_extract(decision.payload, '$.limit') > 'subtree:' || :run || ':'
            AND json_extract(decision.payload, '$.limit') < 'subtree:' || :run || ';'))))
ORDER BY decision.asked, decision.rowid LIMIT :limit;
