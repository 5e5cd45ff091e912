"""Whether the budgets can pay for a call: asked by `safety.secure_api` to reserve, and by a worker before.

The worker's look is a courtesy: a task that cannot be paid waits, instead of being sent to be refused. It
reads what the executing process has written down, the limits and prices it goes by, and loads no catalogue;
a model nobody has asked yet has no price there, and then the reservation decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cost.budget_enforcer import Budget, Payer, accounts_of, shortfall
from cost.cost_calculator import worst_case
from cost.model_catalog import ModelFacts
from errors import OverBudget
from llm.contracts import Message
from money import dollars_to_micros, to_dollars
from runtime_contract import Task
from settings import Settings
from store import budgets, subtree_budgets
from store.asking import Asks
from store.reading import MODEL_STATUS, Reader


class Headroom:
    """The worker's look at what the budgets of its home can pay."""

    def __init__(self, reader: Reader, settings: Settings) -> None:
        self._reader = reader
        self._max_tokens = settings.llm_max_tokens

    def refusal(
        self, task: Task, messages: Sequence[Message], now: float, model: str | None = None
    ) -> OverBudget | None:
        """What holds a task that would send these messages; none where nothing does, or nobody knows yet.

        `model`: the one that is asked, where the task or its identity names one.
        """
        model = model or task.model or self._default_model()
        row = self._reader.one("get_price", model=model)
        if row is None:
            return None
        facts = ModelFacts.of_row(row)
        worst = worst_case(
            facts, [message.content for message in messages], task.max_tokens or self._max_tokens
        )
        if not worst:
            return None
        payer = replace(payer_of(task), subtrees=subtree_budgets.above(self._reader, task.id))
        limits = budgets.BudgetLimits.kept(self._reader)
        accounts = counted(self._reader, payer, model, now)
        return over_budget(self._reader, accounts, limits, payer, worst)

    def _default_model(self) -> str:
        status = self._reader.fact(MODEL_STATUS)
        return str(status["model"] or "") if status else ""


def payer_of(task: Task, max_budget: float | None = None) -> Payer:
    """For whom a task's calls are made; `max_budget` in dollars counts where it is below the task's own."""
    named = [one for one in (task.max_budget, max_budget) if one is not None]
    return Payer(task.id, task.run_id, dollars_to_micros(min(named)) if named else None)


def limits_of(settings: Settings) -> budgets.BudgetLimits:
    """The limits that the settings name."""

    def micros(dollars: float | None) -> int | None:
        return None if dollars is None else dollars_to_micros(dollars)

    return budgets.BudgetLimits(
        day=micros(settings.budget_day_usd),
        total=micros(settings.budget_total_usd),
        run=micros(settings.budget_run_usd),
        models={model: dollars_to_micros(dollars) for model, dollars in settings.budget_model_usd.items()},
    )


def counted(asks: Asks, payer: Payer, model: str, now: float) -> list[budgets.Account]:
    """Everything that a call counts against, with the runs that its run is within, the narrowest first."""
    found = accounts_of(payer, model, now)
    above = [] if payer.run_id is None else asks.all("runs_above", id=payer.run_id)
    place = next((at for at, each in enumerate(found) if each.scope == "model"), 0)
    return [*found[:place], *(budgets.Account("run", row["id"]) for row in above), *found[place:]]


def over_budget(
    asks: Asks,
    accounts: list[budgets.Account],
    limits: budgets.BudgetLimits,
    payer: Payer,
    micros: int,
) -> OverBudget | None:
    """What holds a call that may cost so much: the first of its budgets that cannot pay it."""
    subtrees = dict(payer.subtrees)
    found = []
    for account in accounts:
        if account.scope == "task":
            limit = payer.task_micros
        elif account.scope == "subtree":
            limit = subtrees.get(account.name)
        else:
            limit = budgets.limit_of(asks, limits, account)
        if limit is not None:
            found.append(Budget(account, limit, budgets.balance_of(asks, account)))
    short = shortfall(found, micros)
    if short is None:
        return None
    message = short.sentence(micros)
    if short.account.scope == "task":
        spent = f", of which ${to_dollars(short.balance.spent):.6f} is spent" if short.balance.spent else ""
        message = (
            f"Estimated cost ${to_dollars(micros):.6f} exceeds task max budget "
            f"${to_dollars(short.granted):.6f}{spent}"
        )
    return OverBudget(
        message, held_by=short.account.limit, waiting_for=short.sentence(micros), needs_micros=micros
    )
