-- Where refused entries are found, and until when a decision waits for its answer.

-- entries that broke the contract; no cost for other tasks
CREATE INDEX task_refused ON task (seq) WHERE code IN ('invalid_task', 'duplicate_id');

-- until when a decision waits for its answer, Unix seconds; none: for ever
ALTER TABLE decision ADD COLUMN deadline REAL;
-- 0: its deadline has passed and it is still asked; 1: else. In this order they are shown
ALTER TABLE decision ADD COLUMN rank INTEGER NOT NULL DEFAULT 1;
-- the next to pass; no cost for those without a deadline
CREATE INDEX decision_deadline ON decision (deadline) WHERE answer IS NULL AND deadline IS NOT NULL AND rank = 1;
-- what waits for a person, overdue first
CREATE INDEX decision_waiting ON decision (rank, asked) WHERE answer IS NULL;
