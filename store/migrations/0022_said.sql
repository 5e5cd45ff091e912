-- What copies of the queue file said last and was taken in: by the revision they were copied from and the task, its
-- entry and where it stood. No section: the task had been taken out. No row: what the revision showed.
CREATE TABLE said (
    revision INTEGER NOT NULL,
    task INTEGER NOT NULL REFERENCES task (seq),
    section TEXT,
    entry TEXT NOT NULL,
    PRIMARY KEY (revision, task)
) STRICT, WITHOUT ROWID;
