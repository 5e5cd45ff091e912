-- What copies of the queue file said last: by the revision they were copied from and the task, a hash of its entry
-- and where it stood. Empty: the task had been taken out. No row: what the revision showed.
CREATE TABLE said (
    revision INTEGER NOT NULL,
    task INTEGER NOT NULL REFERENCES task (seq),
    hash BLOB NOT NULL,
    PRIMARY KEY (revision, task)
) STRICT, WITHOUT ROWID;
