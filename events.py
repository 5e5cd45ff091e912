"""What an event is: its statuses, its kinds and every field it may carry.

An event is written in the transaction of the change it tells of, so the event table is the history of the
store and ``execution_log.jsonl`` a copy of it. A kind or a field that is not listed here cannot be
written: the lists are the documentation, and a test holds ``docs/events.md`` to them.
"""

from __future__ import annotations

from typing import Any, Final

import pydantic

#: The seed's event vocabulary, all fifteen.
KNOWN_EXECUTION_STATUSES: Final = frozenset(
    {
        "queued",
        "in_progress",
        "completed",
        "failed",
        "pending_review",
        "approved",
        "requeue",
        "needs_qa",
        "needs_integration",
        "needs_e2e",
        "ready_for_merge",
        "subtask_started",
        "subtask_completed",
        "subtask_failed",
        "safety_blocked",
    }
)
#: Every status an event may carry: the seed's vocabulary and the end the seed lacked.
EVENT_STATUSES: Final = KNOWN_EXECUTION_STATUSES | {"cancelled"}

#: Every kind of event, with what happened. Kinds that begin with ``task.`` carry a `task_id` and a status.
EVENT_KINDS: Final[dict[str, str]] = {
    "task.queued": "a task was accepted",
    "task.refused": "a task broke the contract and was entered as failed, its text kept",
    "task.imported": "a task was found in completed or failed of a queue file and entered as ended",
    "task.duplicate": "an entry names a task that is already known and was not taken again",
    "task.edited": "a person changed fields of a task",
    "task.edit_refused": "a change of a task was not taken, and why",
    "task.edit_conflict": "the same field changed in file and store; the file's text was kept aside",
    "task.waiting": "a task waits for something that may never come, such as a missing dependency",
    "task.planned": "the task was split into subtasks and waits for them",
    "task.proposal_refused": "a model's plan for the task was not used, and why; its words alone decide",
    "task.drifted": "a result differs from the intent of the whole, and in what; it rejects nothing",
    "task.subtask_started": "a worker claimed a subtask of the task",
    "task.subtask_completed": "a subtask of the task was approved",
    "task.subtask_failed": "a subtask of the task ended otherwise",
    "task.in_progress": "a worker claimed the task",
    "task.completed": "an attempt ran to its end",
    "task.pending_review": "an attempt is being judged, or waits for a person",
    "task.held": "a command or a plan waits for a person's leave; nothing has run, and no attempt was spent",
    "task.approved": "the result was accepted",
    "task.requeue": "the task goes back to be tried again, and why",
    "task.failed": "the task ended without an accepted result",
    "task.safety_blocked": "the safety gateway refused the task",
    "task.cancelled": "a person withdrew the task",
    "task.cancel_requested": "a person asked to stop a running task",
    "task.retried": "a person sent an ended task back to the queue",
    "task.brought_forward": "a person let a delayed task go before its time",
    "task.left": "a worker that stops leaves a task whose result is not judged yet to the next",
    "task.adopted": "a worker took over a task whose worker had gone",
    "task.result_dropped": "a result or heartbeat came with a superseded lease and was not recorded",
    "task.interrupted": "an attempt ended with the process that ran it",
    "checkpoint.made": "the workspace as it was soon after a task was approved is kept, or as it was before",
    "checkpoint.failed": "the workspace could not be kept, and why; the approval stands",
    "checkpoint.restored": "a person brought files of the workspace back to a checkpoint",
    "rollback.began": "a person lets files be brought back to a checkpoint; none has changed yet",
    "rollback.broken_off": "a rollback began and did not end, a person is asked; how far it came is unknown",
    "checkpoint.tidied": "what a rollback that was killed left half written in the workspace is gone",
    "task.fallback": "a task of a run is asked of another model from now on: its own has failed",
    "task.mapped": "a task of a run is done item by item of a list, and waits for the tasks that do them",
    "task.add_refused": "a task that the answer of another asked for was not added, and why; the rest was",
    "task.run_awaited": "a task of a run is done by a run of its own, and waits for it",
    "task.repeated": "the answer of a task of a run will not do yet; it waits for the end of another round",
    "task.reused": "a task of a run was given the answer of the same task of another run",
    "run.started": "a run was started: a graph of tasks with a policy",
    "run.tasks_added": "tasks were added to a run that goes on",
    "run.closed": "nothing more is added to a run; it ends when its tasks have",
    "run.aborting": "a person aborted a run; what runs of it is asked to end",
    "run.resumed": "a run that had ended goes on: tasks were sent back to the queue, or all had completed",
    "run.completed": "every task of a run has ended, and it counts as done",
    "run.failed": "every task of a run has ended, and why it does not count as done",
    "run.aborted": "a run was aborted, and everything in it has ended",
    "schedule.fired": "a recurring task put one occurrence into the queue, at its time or for a person",
    "schedule.skipped": "a time of a recurring task passed: its last one had not ended, or a person said so",
    "budget.reserved": "the worst case of a model call was reserved in every budget, and the call may start",
    "budget.settled": "a model call was booked: at what it cost, or unsettled at its worst case",
    "budget.warning": "spending passed a share of a limit of a run, of a part of it, or of a task of it",
    "budget.topped_up": "a person let a limit have more money",
    "budget.limit_set": "a person set a limit, which counts in place of the settings' until it is cleared",
    "budget.limit_cleared": "a person let the settings' limit count again",
    "reward.spent": "an identity paid tokens, and for what",
    "journal.written": "an entry was written into the journal of an identity",
    "identity.refused": "the file of an identity cannot be used; tasks that run as it wait",
    "identity.unwritten": "the file of an identity cannot show its statistics; nothing waits for that",
    "decision.asked": "a question to a person was put up",
    "decision.answered": "a person answered, and what; `expired`: nobody did by the deadline",
    "decision.deadline": "a person gave an open question a deadline, or lifted it: none",
    "decision.overdue": "the deadline of a question passed; what it holds stays held until it is answered",
    "queue_file.taken_in": "the queue file changed and was merged",
    "queue_file.refused": "the queue file could not be read; it was left as it is",
    "queue_file.removal_held": "many tasks were missing from a saved file; a person is asked",
    "queue_file.recreated": "the queue file was missing and was written again",
    "queue_file.blocked": "the queue file cannot be written and is behind; tasks go on, saves are taken in",
    "queue_file.ok": "the queue file can be written again",
    "queue_file.key_refused": "a key at the top of the queue file was refused and has no effect",
    "inbox.taken_in": "a file from the inbox was taken in",
    "inbox.refused": "a file from the inbox could not be read and was moved aside, or none can be taken in",
    "daemon.started": "a process of the daemon started",
    "daemon.stopped": "a process of the daemon stopped in good order",
    "daemon.crashed": "a process of the daemon ended by itself and is started again, or is out of reach",
    "daemon.reached": "a process of the daemon that was out of reach can be reached again",
    "daemon.leader": "a worker became the leader of this home",
    "daemon.paused": "claiming was paused",
    "daemon.resumed": "claiming goes on",
    "daemon.capacity": "a person set how many workers run, or how many tasks each runs at once",
    "daemon.kill_switch_on": "the kill switch was set: nothing runs",
    "daemon.kill_switch_off": "the kill switch was cleared",
    "daemon.breaker_tripped": "the circuit breaker tripped, by which rule: nothing new is started",
    "daemon.breaker_reset": "a person reset the circuit breaker; it counts anew",
    "daemon.sandbox": "what holds commands was tried, and is another than before",
    "daemon.model": "the model of LLM tasks changed, went, or can be reached now, or no more",
    "daemon.disk_full": "the disk is full; nothing new is started",
    "daemon.disk_ok": "there is room on the disk again",
    "daemon.recovered": "the database was rebuilt from what was left, and nothing runs until a person agrees",
    "tools.taken_in": "the tools of the home changed and are known as they are now",
    "tools.refused": "the tools of the home changed and cannot be understood; those before stay",
    "tools.kept": "a person kept the result of a task as a new tool",
    "log.repaired": "execution_log.jsonl was torn, missing or not ours; what was there was kept aside",
    "audit.repaired": "audit.jsonl was torn, missing, not ours or of another key; it was kept aside",
    "log.blocked": "execution_log.jsonl cannot be written; tasks go on, and later it is made good",
    "log.ok": "execution_log.jsonl can be written again",
    "audit.blocked": "the audit cannot be written; nothing new is started",
    "audit.ok": "the audit can be written again",
    "audit.checkpoint": "how far the audit went, and the MAC of its last record",
}

#: Every field an event may carry beside `seq`, `ts`, `event`, `task_id`, `status`, `worker_id` and `attempt`.
EVENT_FIELDS: Final[dict[str, str]] = {
    "reason": "why, in a sentence for a person",
    "code": "why, as a stable word",
    "path": "the path of the field that is wrong",
    "line": "line in the file, from 1",
    "column": "column in the line, from 1",
    "file": "name of the file, relative to the home",
    "raw": "what was refused, as it was written",
    "source": "where it came from: queue_file, inbox, cli, panel, api, schedule, plan, free_time",
    "fields": "names of the fields concerned",
    "waiting_for": "what holds the task",
    "depends_on": "ids of the tasks it waits for",
    "missing": "ids that do not exist",
    "cycle": "ids of a dependency cycle, in order, the first again at the end; of more than 21 the first 20",
    "cycle_left_out": "how many ids follow those of cycle until it is closed, the first again among them",
    "workers": "worker processes a person wants; missing: as the settings say",
    "pace": "tasks a worker runs at once, as a person wants; missing: as the settings say",
    "count": "how many",
    "ids": "ids of the tasks concerned, the first hundred",
    "lease": "number of the lease",
    "owner": "process that holds or held the lease",
    "mode": "llm or local",
    "model": "name of the model, or local",
    "endpoint": "address of the model server",
    "started_at": "when the attempt began",
    "completed_at": "when the attempt ended",
    "not_before": "when the task will be tried again",
    "retry": "how many times the call was repeated without counting as an attempt",
    "every": "the schedule's cron expression",
    "result_summary": "the result in a line",
    "errors": "what went wrong, in the words of the command or provider",
    "exit_code": "exit code of the command; negative: the signal that ended it",
    "timed_out": "whether the time limit ended it",
    "output_ref": "hash of the stored output under .swarm/outputs",
    "output_bytes": "bytes of the stored output",
    "output_cut": "bytes that were not stored: over the cap, or for want of room",
    "usage": "tokens: prompt_tokens, completion_tokens, and source server or estimate",
    "cost_micros": "micro-dollars",
    "budget_used": "the same in dollars",
    "reserved_micros": "micro-dollars that were reserved for the call: its worst case",
    "unsettled": "true: the cost is the worst case, as nobody knows what was used",
    "call": "id of the model call",
    "accounts": "what the money counts against: scope, name and day of each",
    "budget": "name of the limit: day, total, model:NAME, run:ID, subtree:ID or task:ID",
    "needs_micros": "micro-dollars that the call may cost",
    "percent": "share of the limit that is spent: 50, 80 or 100",
    "run_id": "the run",
    "key_digest": "SHA-256 of the idempotency key that a run was started under",
    "request_digest": "SHA-256 of what was asked under an idempotency key",
    "round": "which round begins, from 2",
    "most": "rounds there may be",
    "forked_from": "the run whose answers it began with",
    "added_micros": "micro-dollars added to the limit",
    "limit_micros": "micro-dollars of the limit from now on; missing: there is none",
    "safety_passed": "whether the gateway let it pass",
    "safety_report": "the gateway's report, check by check",
    "tool_route": "how a tool was found: exact (the prompt names it), match (its words ask for it) or none",
    "tool_name": "the tool",
    "tool_confidence": "how sure the route is, 0 to 1",
    "tool_outcome": "what the tool does: run (its command answers), context (its text goes in front) or none",
    "tool_reason": "why this tool, or why none",
    "tool_candidates": "the tools that were weighed, the best first: tool, confidence, score, shared words",
    "tool_saved_tokens": "tokens of the model call that the tool's command made unnecessary, an estimate",
    "review_verdict": "APPROVE, REJECT or HELD",
    "review_confidence": "how sure the critics are, 0 to 1",
    "review_issues": "what the critics found",
    "review_suggestions": "what the critics propose",
    "review_critics": "what each critic said, where others were asked beside the deterministic ones",
    "review_attempt": "how many results of the task were rejected so far",
    "reviewer": "who judged: critics, or the person",
    "decision": "id of the decision",
    "kind": "what kind of decision, or of checkpoint: baseline, task, rollback",
    "question": "what is asked",
    "options": "the possible answers",
    "digest": "SHA-256 of the exact bytes that are decided on",
    "answer": "the answer",
    "answered_by": "who answered; `deadline`, where nobody did in time",
    "deadline": "until when a question waits for its answer",
    "comment": "what the person said",
    "revision": "revision of the queue file",
    "added": "tasks added",
    "edited": "tasks edited",
    "cancelled": "tasks cancelled",
    "refused": "entries refused",
    "bytes": "size in bytes",
    "sandbox": "what holds commands: bubblewrap, landlock, off, or none, where they do not run",
    "process": "which process: worker, swarm, panel, supervisor",
    "pid": "its process id",
    "version": "version of the program",
    "commit": "id of the commit in .swarm/checkpoints.git",
    "checkpoint_number": "number of the checkpoint of the workspace",
    "kept_as": "number of the checkpoint that holds the workspace as it was before a rollback",
    "checkpoint": "SEQ:MAC of the audit's last record",
    "subtask_id": "the subtask",
    "focus": "what the subtask is about, in a line",
    "phase4_plan_generated": "whether the task was split",
    "phase4_complexity_score": "the score of the gut check",
    "phase4_features": "what the score was made of",
    "phase4_subtasks": "ids of the subtasks, in their order",
    "phase4_subtasks_added": "how many subtasks there are",
    "phase4_intent": "goal, deliverables, constraints, must_nots and acceptance, as read from the prompt",
    "identity_id": "the identity: who worked on it, or who paid or wrote",
    "bought": "what it paid for: journal or free_time",
    "subject": "which of it: the number of the entry, or the task's id",
    "tokens": "tokens it paid",
    "balance": "tokens it has left",
    "entry": "number of the entry",
    "text": "the words of the entry",
    "drift": "what of a result differs from the intent, a sentence each",
    "phase5_reward_applied": "whether tokens were granted",
    "phase5_reward_tokens_requested": "tokens by the formula",
    "phase5_reward_tokens_awarded": "tokens granted",
    "phase5_reward_identity": "the identity",
    "phase5_reward_reason": "why granted, or why not",
    "phase5_reward_granted_at": "when",
    "phase5_reward_ledger_recorded": "whether the ledger holds the grant",
    "phase5_reward_error": "never written: a grant that fails takes its approval back with it",
}

#: Fields that are Skep's own by construction: hashes, times, and words of closed lists. Every other field may
#: quote what others wrote, and secrets are taken out of it before it is kept.
OWN_FIELDS: Final = frozenset(
    {
        "code",
        "source",
        "lease",
        "owner",
        "mode",
        "started_at",
        "completed_at",
        "not_before",
        "output_ref",
        "usage",
        "call",
        "tool_route",
        "tool_outcome",
        "review_verdict",
        "kind",
        "digest",
        "key_digest",
        "request_digest",
        "deadline",
        "sandbox",
        "process",
        "version",
        "commit",
        "checkpoint",
        "phase5_reward_granted_at",
    }
)


class Event(pydantic.BaseModel):
    """One line of the history, as stored and as exported.

    `prev` and `hash` chain the exported lines: `hash` is the SHA-256 of the line without `hash`.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="allow")

    #: position in the history, from 1, without gaps
    seq: int
    #: when, RFC 3339 in UTC with microseconds
    ts: str
    #: what happened: a key of `EVENT_KINDS`
    event: str
    task_id: str | None = None
    #: one of `EVENT_STATUSES`, or none where no task's status is told
    status: str | None = None
    worker_id: str | None = None
    #: which attempt, from 1
    attempt: int | None = None


def check_event(kind: str, status: str | None, fields: dict[str, Any]) -> None:
    """Raise `ValueError` where a kind, status or field is not one of the listed."""
    unknown = fields.keys() - EVENT_FIELDS.keys()
    if kind not in EVENT_KINDS or unknown or (status is not None and status not in EVENT_STATUSES):
        raise ValueError(f"undeclared event: {kind} {status} {sorted(unknown)}")
