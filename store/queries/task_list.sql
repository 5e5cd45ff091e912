-- Tasks as people look for them (`store.task_list`): places by one filter, in one order; which of them fit the others.

-- places_newest --
-- The newest tasks before a place.
SELECT seq FROM task WHERE seq < :place ORDER BY seq DESC LIMIT :limit;

-- places_oldest --
-- Tasks after a place, in order of arrival.
SELECT seq FROM task WHERE seq > :place ORDER BY seq LIMIT :limit;

-- places_in_states_newest --
-- The same of tasks in some states.
SELECT seq FROM task INDEXED BY task_state
WHERE state IN (SELECT value FROM json_each(:states)) AND seq < :place ORDER BY seq DESC LIMIT :limit;

-- places_in_states_oldest --
-- The same in order of arrival.
SELECT seq FROM task INDEXED BY task_state
WHERE state IN (SELECT value FROM json_each(:states)) AND seq > :place ORDER BY seq LIMIT :limit;

-- places_of_source_newest --
-- The same of tasks that came from one source.
SELECT seq FROM task WHERE source = :source AND seq < :place ORDER BY seq DESC LIMIT :limit;

-- places_of_source_oldest --
-- The same in order of arrival.
SELECT seq FROM task WHERE source = :source AND seq > :place ORDER BY seq LIMIT :limit;

-- places_of_mode_newest --
-- The same of tasks of one mode.
SELECT seq FROM task WHERE substr(lane, 1, 3) = :lane AND seq < :place ORDER BY seq DESC LIMIT :limit;

-- places_of_mode_oldest --
-- The same in order of arrival.
SELECT seq FROM task WHERE substr(lane, 1, 3) = :lane AND seq > :place ORDER BY seq LIMIT :limit;

-- places_of_tag_newest --
-- The same of tasks with a tag.
SELECT task AS seq FROM task_tag WHERE tag = :tag AND task < :place ORDER BY task DESC LIMIT :limit;

-- places_of_tag_oldest --
-- The same in order of arrival.
SELECT task AS seq FROM task_tag WHERE tag = :tag AND task > :place ORDER BY task LIMIT :limit;

-- places_ended --
-- Tasks in one state that ended before a moment, the last first.
SELECT seq, finished FROM task
WHERE state = :state AND (finished, seq) < (:finished, :seq) ORDER BY finished DESC, seq DESC LIMIT :limit;

-- places_by_priority --
-- Tasks in the order in which they go, after one of them.
SELECT seq, rank FROM (
    SELECT * FROM (SELECT seq, -priority AS rank FROM task INDEXED BY task_priority
                   WHERE -priority = :rank AND seq > :seq ORDER BY seq LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT seq, -priority AS rank FROM task INDEXED BY task_priority
                   WHERE -priority > :rank ORDER BY -priority, seq LIMIT :limit)
) ORDER BY rank, seq LIMIT :limit;

-- places_by_cost --
-- Tasks that cost something, the dearest first, after one of them.
SELECT task.seq AS seq, budget.spent AS spent, budget.name AS id FROM budget INDEXED BY budget_cost
CROSS JOIN task ON task.id = budget.name
WHERE budget.scope = 'task' AND budget.spent > 0 AND (budget.spent, budget.name) < (:spent, :id)
ORDER BY budget.spent DESC, budget.name DESC LIMIT :limit;

-- places_recurring --
-- Schedules that have not ended, in order of arrival, after a place.
SELECT seq FROM task INDEXED BY task_schedule
WHERE every IS NOT NULL AND state IN ('blocked', 'delayed') AND seq > :place ORDER BY seq LIMIT :limit;

-- recurring_of --
-- Which tasks of a JSON list of ids are schedules that have not ended.
SELECT id, seq FROM task
WHERE id IN (SELECT value FROM json_each(:ids)) AND every IS NOT NULL AND +state IN ('blocked', 'delayed');

-- fitting --
-- Which tasks of a JSON list of places fit every filter, and what they are put in order by.
SELECT task.seq, task.id, task.state, task.every, task.version, -task.priority AS rank, task.finished, coalesce(budget.spent, 0) AS spent
FROM json_each(:seqs) AS place CROSS JOIN task ON task.seq = place.value
LEFT JOIN budget ON budget.scope = 'task' AND budget.name = task.id AND budget.day = ''
WHERE (:states IS NULL OR task.state IN (SELECT value FROM json_each(:states)))
    AND (:source IS NULL OR task.source = :source)
    AND (:lane IS NULL OR substr(task.lane, 1, 3) = :lane)
    AND (:tag IS NULL OR EXISTS (SELECT 1 FROM task_tag WHERE tag = :tag AND task_tag.task = task.seq))
    AND (:as_of IS NULL OR task.created <= :as_of);

-- tasks_at --
-- The tasks at a JSON list of places, each with the micro-dollars that it cost.
SELECT task.*, coalesce(budget.spent, 0) AS spent
FROM json_each(:seqs) AS place CROSS JOIN task ON task.seq = place.value
LEFT JOIN budget ON budget.scope = 'task' AND budget.name = task.id AND budget.day = '';

-- count_in_states --
-- How many tasks are in some states; no more are counted than `most`.
SELECT count(*) AS count FROM (
    SELECT 1 FROM task INDEXED BY task_state WHERE state IN (SELECT value FROM json_each(:states)) LIMIT :most);

-- count_of_source --
-- How many came from one source; no more are counted than `most`.
SELECT count(*) AS count FROM (SELECT 1 FROM task WHERE source = :source LIMIT :most);

-- count_of_mode --
-- How many are of one mode; no more are counted than `most`.
SELECT count(*) AS count FROM (SELECT 1 FROM task WHERE substr(lane, 1, 3) = :lane LIMIT :most);

-- count_of_tag --
-- How many have a tag; no more are counted than `most`.
SELECT count(*) AS count FROM (SELECT 1 FROM task_tag WHERE tag = :tag LIMIT :most);

-- sources --
-- Where tasks came from.
WITH RECURSIVE found (source) AS (
    SELECT min(source) FROM task
    UNION ALL
    SELECT (SELECT min(source) FROM task WHERE source > found.source) FROM found WHERE found.source IS NOT NULL
)
SELECT source FROM found WHERE source IS NOT NULL LIMIT 50;

-- some_tags --
-- Tags that tasks have, in the order of the alphabet.
WITH RECURSIVE found (tag) AS (
    SELECT min(tag) FROM task_tag
    UNION ALL
    SELECT (SELECT min(tag) FROM task_tag WHERE tag > found.tag) FROM found WHERE found.tag IS NOT NULL
)
SELECT tag FROM found WHERE tag IS NOT NULL LIMIT 100;

-- words_of_new --
-- What new tasks can be found by, after a place.
SELECT seq, version, id, substr(coalesce(doc ->> 'prompt', '') || ' ' || coalesce(doc ->> 'command', '') || ' ' ||
    coalesce(doc ->> 'argv', '') || ' ' || coalesce(doc ->> 'tags', '') || ' ' || coalesce(doc ->> 'model', '') ||
    ' ' || coalesce(doc ->> 'raw', ''), 1, :chars) AS words
FROM task WHERE seq > :place ORDER BY seq LIMIT :limit;

-- words_of --
-- The same of one task.
SELECT seq, version, id, substr(coalesce(doc ->> 'prompt', '') || ' ' || coalesce(doc ->> 'command', '') || ' ' ||
    coalesce(doc ->> 'argv', '') || ' ' || coalesce(doc ->> 'tags', '') || ' ' || coalesce(doc ->> 'model', '') ||
    ' ' || coalesce(doc ->> 'raw', ''), 1, :chars) AS words
FROM task WHERE seq = :seq;

-- edited_tasks --
-- Tasks that were edited, with their versions.
SELECT seq, version FROM task INDEXED BY task_edited WHERE version > 1;
