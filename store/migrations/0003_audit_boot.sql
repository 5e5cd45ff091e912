-- Which start of the machine a record was written in: only within one can its times be compared.
ALTER TABLE audit ADD COLUMN boot TEXT NOT NULL DEFAULT '';
