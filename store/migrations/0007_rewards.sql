-- Who did what, what was earned by it, and what that bought.

-- the identity that an attempt was concluded for; none where the task runs as nobody
ALTER TABLE attempt ADD COLUMN identity TEXT;
-- statistics of identities; no cost for attempts without one
CREATE INDEX attempt_identity ON attempt (identity, became) WHERE identity IS NOT NULL;

-- The ledger of tokens: what was earned, and what was paid with it. A row is never changed.
CREATE TABLE reward_entry (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    identity_id TEXT    NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('grant', 'journal', 'free_time')),
    subject     TEXT    NOT NULL,                  -- id of the task, or number of the journal's entry
    tokens      INTEGER NOT NULL CHECK (tokens <> 0), -- above zero: earned
    earned      INTEGER NOT NULL,                  -- of the identity so far, this row included
    balance     INTEGER NOT NULL CHECK (balance >= 0), -- of the identity after this row
    day         TEXT    NOT NULL,                  -- local calendar day
    at          TEXT    NOT NULL,
    UNIQUE (identity_id, kind, subject)            -- paid and bought once, whatever crashes
) STRICT;
-- balance: the newest row of an identity
CREATE INDEX reward_entry_identity ON reward_entry (identity_id, seq);
-- how much free time was bought on a day
CREATE INDEX reward_entry_free_time ON reward_entry (day) WHERE kind = 'free_time';
INSERT INTO reward_entry (identity_id, kind, subject, tokens, earned, balance, day, at)
SELECT identity_id, 'grant', task_id, tokens_awarded,
       sum(tokens_awarded) OVER before, sum(tokens_awarded) OVER before, substr(granted_at, 1, 10), granted_at
FROM reward_grant WHERE tokens_awarded > 0
WINDOW before AS (PARTITION BY identity_id ORDER BY granted_at, task_id)
ORDER BY granted_at, task_id, identity_id;
CREATE TRIGGER reward_entry_unchanged BEFORE UPDATE ON reward_entry
BEGIN SELECT raise(ABORT, 'the ledger of tokens only grows'); END;
CREATE TRIGGER reward_entry_kept BEFORE DELETE ON reward_entry
BEGIN SELECT raise(ABORT, 'the ledger of tokens only grows'); END;

-- What identities wrote into their journals.
CREATE TABLE journal (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    identity_id TEXT NOT NULL,
    text        TEXT NOT NULL,
    digest      TEXT NOT NULL,                     -- SHA-256 of the text
    written_by  TEXT NOT NULL,                     -- who wrote it down: a person, or the task it was paid with
    written_at  TEXT NOT NULL,
    UNIQUE (identity_id, digest)                   -- the same words are written, and paid for, once
) STRICT;
CREATE INDEX journal_identity ON journal (identity_id, number);
-- whether an identity's free time is not over; no cost for other tasks
CREATE INDEX task_free_time ON task (state) WHERE source = 'free_time';
