-- Which tool an attempt was routed to, and what became of the results that tools led to.

-- name of the tool that was found for it
ALTER TABLE attempt ADD COLUMN tool TEXT;
-- where the tool's own command ran in place of a model: what its interruption means, idempotent or unsafe
ALTER TABLE attempt ADD COLUMN tool_effect TEXT;
-- tokens of the model call that it made unnecessary
ALTER TABLE attempt ADD COLUMN saved_tokens INTEGER NOT NULL DEFAULT 0;

-- What became of the attempts of each tool, counted as they are concluded.
CREATE TABLE tool_use (
    tool         TEXT    PRIMARY KEY,
    hits         INTEGER NOT NULL DEFAULT 0,
    approvals    INTEGER NOT NULL DEFAULT 0,
    rejections   INTEGER NOT NULL DEFAULT 0,
    saved_tokens INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- A result that was judged counts for its tool; one that a person judged later counts then. An attempt that came
-- to no result, as when no model answered, says nothing of the tool.
CREATE TRIGGER attempt_of_tool AFTER UPDATE OF became ON attempt
WHEN NEW.tool IS NOT NULL AND NEW.became IS NOT OLD.became
BEGIN
    INSERT OR IGNORE INTO tool_use (tool) VALUES (NEW.tool);
    UPDATE tool_use SET
        hits = hits + (OLD.became IS NULL),
        approvals = approvals + (NEW.became = 'approved'),
        rejections = rejections + (NEW.became = 'rejected' OR (NEW.became = 'failed' AND (
            json_extract(NEW.outcome, '$.status') = 'completed' OR NEW.tool_effect IS NOT NULL))),
        saved_tokens = saved_tokens + iif(NEW.became = 'approved', NEW.saved_tokens, 0)
    WHERE tool = NEW.tool;
END;
