-- Runs that ask people and grow by themselves. Numbers of other steps may come between; each adds and changes
-- nothing of another.

-- A question that must be answered in time: Unix seconds; none: it waits for ever.
ALTER TABLE decision ADD COLUMN answer_by REAL;
CREATE INDEX decision_due ON decision (answer_by) WHERE answer IS NULL AND answer_by IS NOT NULL;
