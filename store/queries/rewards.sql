-- Identities, what they earn and pay, and their journals.

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

-- ledger_page --
-- A page of the ledger before a place, newest first, each grant with what it was made of.
SELECT reward_entry.*, tokens_requested, tokens_awarded, budget_used, max_budget, confidence, reason, granted_at
FROM reward_entry LEFT JOIN reward_grant
    ON kind = 'grant' AND task_id = subject AND reward_grant.identity_id = reward_entry.identity_id
WHERE seq < :before ORDER BY seq DESC LIMIT :limit;

-- ledger_page_of --
-- The same of one identity.
SELECT reward_entry.*, tokens_requested, tokens_awarded, budget_used, max_budget, confidence, reason, granted_at
FROM reward_entry LEFT JOIN reward_grant
    ON kind = 'grant' AND task_id = subject AND reward_grant.identity_id = reward_entry.identity_id
WHERE reward_entry.identity_id = :identity AND seq < :before ORDER BY seq DESC LIMIT :limit;

-- journal_page --
-- A page of the journals before a place, newest first.
SELECT * FROM journal WHERE number < :before ORDER BY number DESC LIMIT :limit;

-- journal_page_of --
-- A page of one journal.
SELECT * FROM journal WHERE identity_id = :identity AND number < :before ORDER BY number DESC LIMIT :limit;

-- deeds --
-- Attempts that were made as an identity, or as any, on the tasks of a stretch, newest task first.
SELECT attempt.task, attempt.lease, task.id, attempt.attempt, attempt.identity, attempt.became, attempt.ended,
       json_extract(attempt.outcome, '$.cost_micros') AS cost_micros
FROM attempt JOIN task ON task.seq = attempt.task
WHERE attempt.task >= :first AND (attempt.task, attempt.lease) < (:task, :lease)
    AND (+attempt.identity = :identity OR (:identity IS NULL AND +attempt.identity IS NOT NULL))
ORDER BY attempt.task DESC, attempt.lease DESC LIMIT :limit;

-- last_task --
-- The newest task's place.
SELECT max(seq) AS seq FROM task;
