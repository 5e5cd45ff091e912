-- Budgets, prices, rates, and what a model call is held by.

-- balance --
-- What counts against a limit.
SELECT * FROM budget WHERE scope = :scope AND name = :named AND day = :day;

-- balances --
-- What counts against every limit of today, and of runs and tasks that are held or have something reserved.
WITH hung (scope, name) AS (
    SELECT json_extract(account.value, '$[0]'), json_extract(account.value, '$[1]')
    FROM spend INDEXED BY spend_reserved, json_each(spend.accounts) AS account WHERE spend.state = 'reserved'
    UNION
    SELECT substr(held_by, 1, instr(held_by, ':') - 1), substr(held_by, instr(held_by, ':') + 1)
    FROM task INDEXED BY task_held WHERE state = 'delayed' AND held_by IS NOT NULL AND held_by NOT GLOB 'child:*'
)
SELECT budget.* FROM hung JOIN budget ON budget.scope = hung.scope AND budget.name = hung.name AND budget.day = ''
WHERE hung.scope IN ('run', 'subtree', 'task')
UNION ALL
SELECT * FROM budget WHERE scope = 'total' OR (scope IN ('day', 'model') AND day = :day)
ORDER BY scope, name LIMIT 1000;

-- reserve --
-- The worst case of a call counts against a limit from now on.
INSERT INTO budget (scope, name, day, reserved) VALUES (:scope, :named, :day, :micros)
ON CONFLICT (scope, name, day) DO UPDATE SET reserved = reserved + excluded.reserved;

-- book --
-- A call has ended: what it cost counts in place of what was reserved.
UPDATE budget SET reserved = reserved - :reserved, spent = spent + :booked, unsettled = unsettled + :unsettled
WHERE scope = :scope AND name = :named AND day = :day;

-- task_budget --
-- What a task may cost by itself, in dollars.
SELECT json_extract(doc, '$.max_budget') AS dollars FROM task WHERE id = :id;

-- top_up --
-- A person lets a limit have more.
INSERT INTO budget (scope, name, day, topped_up) VALUES (:scope, :named, :day, :micros)
ON CONFLICT (scope, name, day) DO UPDATE SET topped_up = topped_up + excluded.topped_up, declined_by = NULL;

-- decline --
-- A person will not let a limit have more.
INSERT INTO budget (scope, name, day, declined_by) VALUES (:scope, :named, :day, :by)
ON CONFLICT (scope, name, day) DO UPDATE SET declined_by = excluded.declined_by;

-- insert_spend --
-- A call may start; its worst case is reserved.
INSERT INTO spend (id, state, task_id, lease, model, owner, accounts, reserved, reserved_at)
VALUES (:id, 'reserved', :task_id, :lease, :model, :owner, :accounts, :micros, :now);

-- settle_spend --
-- A call has ended, once; at its worst case where nobody knows what it came to.
UPDATE spend SET state = :state, booked = coalesce(:booked, reserved), booked_at = :now
WHERE id = :id AND state = 'reserved' RETURNING *;

-- get_spend --
-- One call.
SELECT * FROM spend WHERE id = :id;

-- reserving_owners --
-- Processes that have something reserved.
SELECT DISTINCT owner FROM spend INDEXED BY spend_reserved WHERE state = 'reserved';

-- all_reserved --
-- Every call that is under way, or was when its process died.
SELECT * FROM spend WHERE state = 'reserved';

-- reserved_by --
-- The calls that a process has under way.
SELECT * FROM spend INDEXED BY spend_reserved WHERE state = 'reserved' AND owner = :owner;

-- spent_since --
-- Micro-dollars of the calls that have been booked since a moment.
SELECT coalesce(sum(booked), 0) AS micros FROM spend WHERE booked_at > :since;

-- put_price --
-- A price in use.
INSERT OR REPLACE INTO price (model, price, source, context_window, max_output, noted)
VALUES (:model, :price, :source, :context_window, :max_output, :now);

-- get_price --
-- The price in use of a model.
SELECT * FROM price WHERE model = :model;

-- prices --
-- Every price in use.
SELECT * FROM price ORDER BY model;

-- forget_prices --
-- Prices are found out anew.
DELETE FROM price;

-- buckets_of --
-- The token buckets of a model.
SELECT * FROM bucket WHERE model = :model;

-- buckets --
-- Every token bucket.
SELECT * FROM bucket;

-- put_bucket --
-- A token bucket as it is now.
INSERT OR REPLACE INTO bucket (model, kind, level, wanted, at, boot)
VALUES (:model, :kind, :level, :wanted, :at, :boot);

-- held_by --
-- Everything that holds tasks.
SELECT DISTINCT held_by FROM task INDEXED BY task_held WHERE state = 'delayed' AND held_by IS NOT NULL;

-- held_limits --
-- The limits that hold tasks, but for tasks' own.
SELECT DISTINCT held_by FROM task INDEXED BY task_held
WHERE state = 'delayed' AND held_by IS NOT NULL AND held_by NOT GLOB 'task:*' AND held_by NOT GLOB 'rate:*'
  AND held_by NOT GLOB 'price:*' AND held_by NOT GLOB 'identity:*' AND held_by NOT GLOB 'child:*';

-- held_tasks --
-- Who waits for a limit, the most urgent first.
SELECT seq, id, lease, needs, not_before, every FROM task INDEXED BY task_held
WHERE state = 'delayed' AND held_by = :held_by ORDER BY priority DESC, seq LIMIT :limit;

-- count_held --
-- How many tasks wait for a limit.
SELECT count(*) AS count FROM task INDEXED BY task_held WHERE state = 'delayed' AND held_by = :held_by;

-- promise --
-- A task that was let go will need this much.
UPDATE task SET needs = :needs WHERE seq = :seq;

-- promised --
-- How much those need that were let go and have not been claimed yet.
SELECT coalesce(sum(needs), 0) AS micros FROM task INDEXED BY task_promised
WHERE state = 'ready' AND needs IS NOT NULL;

-- held_by_themselves --
-- Tasks that wait for their own limit and that nobody has been asked about, the oldest limit's name first.
SELECT seq, id, lease, needs, not_before, every, doc FROM task INDEXED BY task_held
WHERE state = 'delayed' AND held_by GLOB 'task:*' AND NOT EXISTS (
    SELECT 1 FROM decision WHERE decision.task = task.seq AND kind = 'budget' AND answer IS NULL
) AND NOT EXISTS (
    SELECT 1 FROM budget WHERE scope = 'task' AND name = task.id AND day = '' AND declined_by IS NOT NULL
) LIMIT :limit;

-- refused_by_themselves --
-- Tasks of runs that wait for their own limit, which a person gave no more.
SELECT task.seq, task.id, lease, needs, not_before, every, doc FROM task INDEXED BY task_held
JOIN budget ON budget.scope = 'task' AND budget.name = task.id AND budget.day = '' AND declined_by IS NOT NULL
WHERE state = 'delayed' AND held_by GLOB 'task:*' AND task.id GLOB '*:*' LIMIT :limit;

-- tell_held --
-- Say more to those who wait for a limit.
UPDATE task SET waiting_for = waiting_for || :more
WHERE state = 'delayed' AND held_by = :held_by RETURNING seq;

-- open_budget_decisions --
-- Questions about limits.
SELECT decision.*, task.id AS task_id FROM decision LEFT JOIN task ON task.seq = decision.task
WHERE decision.answer IS NULL AND decision.kind = 'budget' ORDER BY asked, decision.id;
