-- Requests to runs that came under an idempotency key and were done, so that a repeat of one does nothing again.
-- That of a run's start, and of a fork, stands with the run it started.
CREATE TABLE run_request (
    key     TEXT PRIMARY KEY,
    digest  TEXT NOT NULL,                         -- SHA-256 of what was asked, and of which run
    run     TEXT NOT NULL,                         -- id of the run it was done to
    at      REAL NOT NULL
) STRICT, WITHOUT ROWID;
