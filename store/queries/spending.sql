-- What was spent, for people to look at: by day and model from the accounts, by the rest as it was counted.

-- spent_by_day --
-- Micro-dollars of each day from one on, newest first.
SELECT day AS name, spent AS micros, reserved FROM budget
WHERE scope = 'day' AND name = '' AND day >= :since ORDER BY day DESC LIMIT :limit;

-- spent_by_model --
-- Micro-dollars of each model from a day on, the most first.
SELECT name, sum(spent) AS micros, sum(reserved) AS reserved FROM budget
WHERE scope = 'model' AND day >= :since GROUP BY name ORDER BY micros DESC, name LIMIT :limit;

-- spent_by --
-- Micro-dollars by run, identity or tag from a day on, the most first; of the newest rows only.
SELECT name, sum(micros) AS micros, sum(calls) AS calls, sum(count(*)) OVER () AS counted FROM (
    SELECT name, micros, calls FROM spend_day WHERE kind = :kind AND day >= :since
    ORDER BY day DESC, name DESC LIMIT :newest
) GROUP BY name ORDER BY micros DESC, name LIMIT :limit;

-- reservations --
-- The calls that are under way, or were when their process died.
SELECT id, task_id, model, reserved, reserved_at, owner, accounts FROM spend INDEXED BY spend_reserved
WHERE state = 'reserved' ORDER BY reserved_at, id LIMIT :limit;

-- spent_in_all --
-- Micro-dollars of all days from one on.
SELECT coalesce(sum(spent), 0) AS micros FROM budget WHERE scope = 'day' AND name = '' AND day >= :since;
