-- Traces: what ids of spans are derived with, and whom a run or an attempt was begun for. Changes nothing of another.

-- One row: ids of one home are not those of another, though their tasks are named alike.
CREATE TABLE trace_salt (
    salt TEXT NOT NULL
) STRICT;
INSERT INTO trace_salt (salt) VALUES (lower(hex(randomblob(16))));

-- the span that a run was started from, and the span that an attempt was executed for (W3C traceparent)
ALTER TABLE run ADD COLUMN traceparent TEXT;
ALTER TABLE attempt ADD COLUMN traceparent TEXT;

-- how many runs are in each state
CREATE INDEX run_state ON run (state);
