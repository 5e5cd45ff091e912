-- Plans and their parts.

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
