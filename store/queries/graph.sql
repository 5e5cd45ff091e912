-- What waits for what, in bounded pieces for a picture.

-- newest_edges --
-- The newest dependencies.
SELECT task.id AS child, edge.parent AS parent
FROM (SELECT child, parent FROM edge ORDER BY child DESC, parent DESC LIMIT :limit) AS edge
JOIN task ON task.seq = edge.child;

-- ancestors --
-- A task and what it waits for, near before far.
WITH RECURSIVE up (id) AS (
    SELECT :id
    UNION
    SELECT edge.parent FROM up JOIN task ON task.id = up.id JOIN edge ON edge.child = task.seq
    LIMIT :limit
)
SELECT id FROM up;

-- descendants --
-- A task and who waits for it, near before far.
WITH RECURSIVE down (id) AS (
    SELECT :id
    UNION
    SELECT task.id FROM down JOIN edge ON edge.parent = down.id JOIN task ON task.seq = edge.child
    LIMIT :limit
)
SELECT id FROM down;

-- tasks_of_run --
-- The newest tasks of a run.
SELECT id FROM task INDEXED BY task_run
WHERE json_extract(doc, '$.run_id') = :run AND json_extract(doc, '$.run_id') IS NOT NULL
ORDER BY seq DESC LIMIT :limit;

-- edges_of --
-- What the tasks named in a JSON list wait for.
SELECT task.id AS child, edge.parent AS parent FROM json_each(:ids) AS wanted
JOIN task ON task.id = wanted.value JOIN edge ON edge.child = task.seq LIMIT :limit;

-- nodes_of --
-- The tasks named in a JSON list, as a picture shows them.
SELECT id, state, every, planned, started, finished, reason FROM task
WHERE id IN (SELECT value FROM json_each(:ids));
