-- What was refused, for a person who looks at it.

-- blocked_tasks --
-- Tasks that safety blocked, the newest first, before a place.
SELECT * FROM task WHERE state = 'safety_blocked' AND (finished, seq) < (:finished, :seq)
ORDER BY finished DESC, seq DESC LIMIT :limit;

-- refusals --
-- The newest refusals in a stretch of the audit.
SELECT * FROM audit WHERE seq BETWEEN :first AND :last AND decision = 'blocked' ORDER BY seq DESC LIMIT :limit;
