-- How tasks are found and put in order by people: by where they came from, what they are, their tags, what goes
-- first, what was dear. Nothing here is written when a task is claimed, runs or ends, but the cost of one that had
-- any.

-- the tasks of one source, one mode (`llm`, `loc`, or `non` of what never was one), in order of arrival
CREATE INDEX task_source ON task (source, seq);
CREATE INDEX task_mode ON task (substr(lane, 1, 3), seq);
-- what goes first
CREATE INDEX task_priority ON task (-priority, seq);
-- what was edited since it came; no cost for others
CREATE INDEX task_edited ON task (version, seq) WHERE version > 1;
-- what cost most
CREATE INDEX budget_cost ON budget (spent, name) WHERE scope = 'task' AND spent > 0;

-- The tags of tasks, as their documents have them.
CREATE TABLE task_tag (
    tag  TEXT    NOT NULL,
    task INTEGER NOT NULL REFERENCES task (seq),
    PRIMARY KEY (tag, task)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO task_tag (tag, task)
SELECT each.value, task.seq FROM task, json_each(task.doc, '$.tags') AS each
WHERE instr(task.doc, '"tags"') AND each.type = 'text';
CREATE TRIGGER task_tagged AFTER INSERT ON task WHEN instr(NEW.doc, '"tags"')
BEGIN
    INSERT OR IGNORE INTO task_tag (tag, task)
    SELECT value, NEW.seq FROM json_each(NEW.doc, '$.tags') WHERE type = 'text';
END;
CREATE TRIGGER task_tagged_anew AFTER UPDATE OF doc ON task
WHEN NEW.doc IS NOT OLD.doc AND (instr(NEW.doc, '"tags"') OR instr(OLD.doc, '"tags"'))
BEGIN
    DELETE FROM task_tag WHERE task = OLD.seq
        AND tag IN (SELECT value FROM json_each(OLD.doc, '$.tags') WHERE type = 'text');
    INSERT OR IGNORE INTO task_tag (tag, task)
    SELECT value, NEW.seq FROM json_each(NEW.doc, '$.tags') WHERE type = 'text';
END;
