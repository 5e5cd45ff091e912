-- How many tasks ended in each minute and how long they ran, so that a picture of a day costs the same however many
-- tasks and events there are; and the newest answers of people.

-- Bounds of seconds by which ends are counted. The last stands for everything longer.
CREATE TABLE task_end_bound (
    within_s REAL PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO task_end_bound VALUES
    (0.1), (0.25), (0.5), (1), (2.5), (5), (10), (30), (60), (120), (300), (600), (1800), (3600), (21600), (1e9);

-- Ends of tasks. A task that is sent back and ends again counts again.
CREATE TABLE task_end (
    minute   INTEGER NOT NULL,                     -- Unix minute
    state    TEXT    NOT NULL,                     -- the state it ended in
    within_s REAL    NOT NULL,                     -- least bound not under its seconds; 0: it never ran
    count    INTEGER NOT NULL,
    seconds  REAL    NOT NULL,                     -- of all of them together, each from its last claim to its end
    PRIMARY KEY (minute, state, within_s)
) STRICT, WITHOUT ROWID;

INSERT INTO task_end (minute, state, within_s, count, seconds)
SELECT CAST(finished / 60 AS INTEGER) AS minute, state,
    coalesce((SELECT min(within_s) FROM task_end_bound WHERE within_s >= finished - started), 0) AS within_s,
    count(*), sum(max(0, coalesce(finished - started, 0)))
FROM task WHERE finished IS NOT NULL
GROUP BY 1, 2, 3;

CREATE TRIGGER task_end_counted AFTER UPDATE OF finished ON task
WHEN NEW.finished IS NOT NULL AND OLD.finished IS NULL
BEGIN
    INSERT INTO task_end (minute, state, within_s, count, seconds)
    VALUES (
        CAST(NEW.finished / 60 AS INTEGER), NEW.state,
        coalesce((SELECT min(within_s) FROM task_end_bound WHERE within_s >= NEW.finished - NEW.started), 0),
        1, max(0, coalesce(NEW.finished - NEW.started, 0)))
    ON CONFLICT (minute, state, within_s) DO UPDATE
    SET count = count + 1, seconds = seconds + excluded.seconds;
END;

-- A task that comes in as one that has ended: refused, or found as ended in a queue file.
CREATE TRIGGER task_end_entered AFTER INSERT ON task WHEN NEW.finished IS NOT NULL
BEGIN
    INSERT INTO task_end (minute, state, within_s, count, seconds)
    VALUES (
        CAST(NEW.finished / 60 AS INTEGER), NEW.state,
        coalesce((SELECT min(within_s) FROM task_end_bound WHERE within_s >= NEW.finished - NEW.started), 0),
        1, max(0, coalesce(NEW.finished - NEW.started, 0)))
    ON CONFLICT (minute, state, within_s) DO UPDATE
    SET count = count + 1, seconds = seconds + excluded.seconds;
END;

-- the newest answers
CREATE INDEX decision_answered ON decision (answered) WHERE answer IS NOT NULL;
