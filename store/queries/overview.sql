-- What the first page shows: ends by time, who works, what changed.

-- ends_by_step --
-- Ends of tasks in steps of so many minutes, by state and by the bound of their seconds.
SELECT minute / :step AS step, state, within_s, sum(count) AS count, sum(seconds) AS seconds
FROM task_end WHERE minute >= :since GROUP BY 1, 2, 3 ORDER BY 1;

-- ends_since --
-- How many tasks ended since a minute, by state.
SELECT state, sum(count) AS count FROM task_end WHERE minute >= :since GROUP BY state;

-- ends_between --
-- How many tasks ended after a minute and up to another, by state and by the bound of their seconds.
SELECT state, within_s, sum(count) AS count, sum(seconds) AS seconds
FROM task_end WHERE minute > :after AND minute <= :upto GROUP BY state, within_s;

-- end_bounds --
-- The bounds of seconds by which ends are counted.
SELECT within_s FROM task_end_bound ORDER BY within_s;

-- held_by_workers --
-- Who runs how many tasks, and until when the leases last at least that were renewed last.
SELECT worker_id, owner, count(*) AS count, max(lease_expires) AS lease_expires
FROM task WHERE state = 'running' GROUP BY worker_id, owner;

-- newest_ended_since --
-- The newest tasks that ended in a state since a time.
SELECT id, finished, reason FROM task
WHERE state = :state AND finished > :since ORDER BY finished DESC LIMIT :limit;

-- newest_of_daemon --
-- Events of the daemon among the newest of the history, without what they tell, newest first.
SELECT seq, ts, event FROM (SELECT seq, ts, event FROM event ORDER BY seq DESC LIMIT :limit)
WHERE event >= 'daemon.' AND event < 'daemon/' ORDER BY seq DESC;
