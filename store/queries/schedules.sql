-- Schedules and delayed tasks, for people to look at.

-- schedules --
-- Schedules that have not ended, after a place.
SELECT seq, id, state, every, not_before, doc, created FROM task INDEXED BY task_schedule
WHERE every IS NOT NULL AND state IN ('blocked', 'delayed') AND seq > :after ORDER BY seq LIMIT :limit;

-- last_occurrences --
-- The newest occurrences of a schedule; their ids are `stem`, a dot and 16 letters of time. The plus keeps the ids'
-- own index, in whose order they come (sqlite.org/optoverview.html, on a unary plus).
SELECT id, state, finished FROM task
WHERE id > :stem || '.' AND id < :stem || '/' AND length(id) = length(:stem) + 17 AND +source = 'schedule'
ORDER BY id DESC LIMIT :limit;

-- delayed_tasks --
-- Tasks that wait for a time of their own, the next first, after a place.
SELECT seq, id, state, not_before, waiting_for, doc, created FROM task INDEXED BY task_delayed
WHERE state = 'delayed' AND every IS NULL AND held_by IS NULL
  AND (not_before, seq) > (:moment, :after) ORDER BY not_before, seq LIMIT :limit;
