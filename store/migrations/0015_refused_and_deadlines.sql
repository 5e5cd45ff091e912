-- Where refused entries are found, and until when a decision waits for its answer.

-- entries that broke the contract; no cost for other tasks
CREATE INDEX task_refused ON task (seq) WHERE code IN ('invalid_task', 'duplicate_id');
