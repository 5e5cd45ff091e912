-- Every decision about what may run, be sent or be spent, written in the transaction it guards.
-- audit.jsonl is its copy, chained by the leader (safety/audit.py).
CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    ts          TEXT NOT NULL,
    event       TEXT NOT NULL,
    decision    TEXT NOT NULL,                     -- allowed, blocked, recorded, ...
    actor       TEXT NOT NULL,                     -- worker, swarm, panel, cli, a person's name
    task_id     TEXT,
    lease       INTEGER,
    rule        TEXT,                              -- id of the rule that decided
    digest      TEXT,                              -- SHA-256 of the exact bytes decided on
    cost_micros INTEGER,                           -- micro-dollars
    data        TEXT NOT NULL                      -- JSON object of further fields
) STRICT;
