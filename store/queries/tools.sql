-- What became of tools.

-- note_tool --
-- An attempt was routed to a tool.
UPDATE attempt SET tool = :tool, saved_tokens = :saved_tokens WHERE task = :task AND lease = :lease;

-- note_tool_start --
-- The command of a tool begins, in place of a model.
UPDATE attempt SET tool = :tool, tool_effect = :effect WHERE task = :task AND lease = :lease;

-- tool_uses --
-- What became of the attempts of each tool.
SELECT * FROM tool_use;
