-- The history as a person looks through it: the events that fit, in stretches of bounded length.

-- log_back --
-- The newest events of a stretch that fit a filter.
SELECT * FROM event
WHERE seq BETWEEN :first AND :last
    AND (:kinds IS NULL OR event IN (SELECT value FROM json_each(:kinds)))
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:words IS NULL OR instr(lower(event || ' ' || coalesce(task_id, '') || ' ' || substr(data, 1, 10000)), :words))
ORDER BY seq DESC LIMIT :limit;

-- log_on --
-- The oldest events of a stretch that fit a filter.
SELECT * FROM event
WHERE seq BETWEEN :first AND :last
    AND (:kinds IS NULL OR event IN (SELECT value FROM json_each(:kinds)))
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:words IS NULL OR instr(lower(event || ' ' || coalesce(task_id, '') || ' ' || substr(data, 1, 10000)), :words))
ORDER BY seq LIMIT :limit;

-- log_back_of --
-- The newest events of one task in a stretch that fit a filter.
SELECT * FROM event
WHERE task_id = :task_id AND seq BETWEEN :first AND :last
    AND (:kinds IS NULL OR event IN (SELECT value FROM json_each(:kinds)))
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:words IS NULL OR instr(lower(event || ' ' || coalesce(task_id, '') || ' ' || substr(data, 1, 10000)), :words))
ORDER BY seq DESC LIMIT :limit;

-- log_on_of --
-- The oldest events of one task in a stretch that fit a filter.
SELECT * FROM event
WHERE task_id = :task_id AND seq BETWEEN :first AND :last
    AND (:kinds IS NULL OR event IN (SELECT value FROM json_each(:kinds)))
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:words IS NULL OR instr(lower(event || ' ' || coalesce(task_id, '') || ' ' || substr(data, 1, 10000)), :words))
ORDER BY seq LIMIT :limit;

-- log_reach_back_of --
-- How far back the newest events of one task in a stretch go.
SELECT min(seq) AS seq FROM (
    SELECT seq FROM event WHERE task_id = :task_id AND seq BETWEEN :first AND :last ORDER BY seq DESC LIMIT :limit
);

-- log_reach_on_of --
-- How far on the oldest events of one task in a stretch go.
SELECT max(seq) AS seq FROM (
    SELECT seq FROM event WHERE task_id = :task_id AND seq BETWEEN :first AND :last ORDER BY seq LIMIT :limit
);

-- event_at_or_after --
-- The first event from a place on, and when it was.
SELECT seq, ts FROM event WHERE seq >= :seq ORDER BY seq LIMIT 1;

-- home_events --
-- The newest events that are about the home and no task, of some kinds, among the newest of their sort.
SELECT * FROM (
    SELECT * FROM event WHERE task_id IS NULL ORDER BY seq DESC LIMIT :window
) WHERE event IN (SELECT value FROM json_each(:kinds)) ORDER BY seq DESC LIMIT :limit;
