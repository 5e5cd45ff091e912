-- Where in the history an outcome was kept, so that what came after it is known whatever the clock said meanwhile.
-- None: kept before this was noted, or entered from a log.
ALTER TABLE attempt ADD COLUMN ended_event INTEGER;
