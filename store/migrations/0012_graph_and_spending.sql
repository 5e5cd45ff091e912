-- Where schedules and the tasks of a run are found, and what was spent on what, day by day.

-- schedules; no cost for other tasks
CREATE INDEX task_schedule ON task (seq) WHERE every IS NOT NULL;
-- the tasks of a run; no cost for tasks of none
CREATE INDEX task_run ON task (json_extract(doc, '$.run_id'), seq) WHERE json_extract(doc, '$.run_id') IS NOT NULL;

-- when a price was looked up, Unix seconds
ALTER TABLE price ADD COLUMN noted REAL;

-- What booked calls cost, by the local calendar day they were let go on. By day and by model `budget` tells it.
CREATE TABLE spend_day (
    kind   TEXT    NOT NULL CHECK (kind IN ('run', 'identity', 'tag')),
    day    TEXT    NOT NULL,
    name   TEXT    NOT NULL,                       -- of the run, identity or tag; empty: the call had none
    micros INTEGER NOT NULL,                       -- micro-dollars
    calls  INTEGER NOT NULL,
    PRIMARY KEY (kind, day, name)
) STRICT, WITHOUT ROWID;

-- A booked call counts for its run, for the identity its task names, and whole for each of its task's tags.
CREATE TRIGGER spend_counted AFTER UPDATE OF state ON spend WHEN NEW.state <> 'reserved'
BEGIN
    INSERT INTO spend_day (kind, day, name, micros, calls)
    SELECT purpose.kind, day.name, purpose.name, NEW.booked, 1 FROM (
        SELECT json_extract(value, '$[2]') AS name FROM json_each(NEW.accounts)
        WHERE json_extract(value, '$[0]') = 'day'
    ) AS day, (
        SELECT 'run' AS kind, coalesce((
            SELECT json_extract(value, '$[1]') FROM json_each(NEW.accounts)
            WHERE json_extract(value, '$[0]') = 'run'), '') AS name
        UNION
        SELECT 'identity', coalesce((
            SELECT json_extract(doc, '$.identity_id') FROM task WHERE id = NEW.task_id), '')
        UNION
        SELECT 'tag', tag.value FROM task, json_each(task.doc, '$.tags') AS tag
        WHERE task.id = NEW.task_id AND tag.type = 'text'
        UNION
        SELECT 'tag', '' WHERE NOT EXISTS (
            SELECT 1 FROM task, json_each(task.doc, '$.tags') WHERE task.id = NEW.task_id)
    ) AS purpose
    WHERE true
    ON CONFLICT (kind, day, name) DO UPDATE SET micros = micros + excluded.micros, calls = calls + 1;
END;
UPDATE spend SET state = state WHERE state <> 'reserved';
