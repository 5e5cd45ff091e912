-- What the queue file shows of each task, and what it has shown.

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

-- tasks_shown_at --
-- Tasks of today's queue file that a revision of it showed among its tasks; is_pending: those that are so still.
SELECT task.id, task.seq, task.state IN ('blocked', 'delayed', 'ready') AS is_pending
FROM shown JOIN task ON task.seq = shown.task JOIN projected ON projected.task = task.seq
WHERE length(projected.hash) > 0
  AND projected.status IN ('pending', 'in_progress', 'pending_review')
  AND projected.first_revision = (
    SELECT max(first_revision) FROM projected AS earlier
    WHERE earlier.task = task.seq AND earlier.first_revision <= :revision
  )
ORDER BY task.seq;

-- sent_back_since --
-- Those of the tasks named in a JSON list of ids that a person sent back to the queue after an event: ended
-- ones, and by an answer about what they did.
SELECT wanted.value AS id FROM json_each(:ids) AS wanted
WHERE EXISTS (
    SELECT 1 FROM event WHERE task_id = wanted.value AND seq > :seq AND (
        event = 'task.retried'
        OR event = 'decision.answered' AND json_extract(data, '$.answer') NOT IN ('expired', 'withdrawn')
    )
);

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
-- The newest tasks that ended in a state, but for those of runs.
SELECT seq, finished FROM task WHERE state = :state AND instr(id, ':') = 0 ORDER BY finished DESC, seq DESC LIMIT :limit;

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

-- get_shown --
-- A task's entry in the queue file as it was last rendered.
SELECT text FROM shown WHERE task = :task;

-- refused_tasks --
-- Entries that broke the contract and were not corrected, the newest first.
SELECT id, reason, source, created, finished FROM task
WHERE code IN ('invalid_task', 'duplicate_id') AND +state = 'failed' ORDER BY seq DESC LIMIT :limit;

-- count_refused --
-- How many entries broke the contract and were not corrected.
SELECT count(*) AS count FROM task WHERE code IN ('invalid_task', 'duplicate_id') AND +state = 'failed';

-- said_at --
-- What copies of a revision said last of tasks, where that is not what the revision showed.
SELECT task.id, said.task, said.section, said.entry
FROM said JOIN task ON task.seq = said.task WHERE said.revision = :revision;

-- put_said --
-- What a copy of a revision says of a task.
INSERT OR REPLACE INTO said (revision, task, section, entry) VALUES (:revision, :task, :section, :entry);

-- delete_said --
-- A copy of a revision says of a task what the revision showed.
DELETE FROM said WHERE revision = :revision AND task = :task;
