"""Every model call goes through here: rate, reservation, the call, settlement, audit.

A call is prepared on the exact messages that the gateway approved. In the transaction that lets it start its
rate is taken and its worst case reserved in every budget it counts against, or neither, and it is told what
holds it. Only then is anything sent. In the transaction that records how it ended it is booked: at what the
server counted, or, where nobody knows, at its worst case. What a process leaves when it dies is booked at
the worst case by the next one. So calls can never together pass a limit, however many processes make them
and wherever they die; and nothing but this wrapper reserves or books.

Both transactions belong to the caller, so that a task's call costs no commit of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol
from urllib.parse import urlsplit

from cost.budget_enforcer import Payer
from cost.cost_calculator import Bill, Counted, bill_of, worst_case
from cost.model_catalog import ModelCatalog, ModelFacts, Place
from cost.token_estimator import likely_tokens
from errors import CallHeld, ModelError, ModelUnreachable, PriceUnknown, RateLimited
from llm.contracts import Call, ChatClient, ChatRequest, ChatResult
from llm.discovery import ModelStatus
from llm.endpoint import is_loopback
from safety.headroom import counted, limits_of, over_budget
from safety.model_call import ModelCall, Wishes, told_of
from safety.work import Approved
from settings import Settings
from store import budgets, ending, rates, subtree_budgets
from store.sqlite_store import SqliteStore
from store.transaction import Transaction

_NOTHING: Final = Bill(0, is_settled=True)


class Models(Protocol):
    """Knows which model answers."""

    def client(self) -> tuple[ChatClient, ModelStatus]:
        """The client and what it talks to. Raises `NoModel`."""


class SecureAPIWrapper:
    """Lets model calls through, one home's.

    Parameters:
        store: keeps budgets and rates, shared with every other process.
        settings: the limits, and what calls get that ask for nothing else.
        catalog: what models cost.
        models: which model, and the connection to it.
        owner: this process, as it stands with each reservation.
        actor: who makes the calls, as the audit names it.
    """

    def __init__(
        self,
        store: SqliteStore,
        settings: Settings,
        catalog: ModelCatalog,
        models: Models,
        owner: str,
        actor: str = "swarm",
    ) -> None:
        self._store = store
        self._settings = settings
        self._catalog = catalog
        self._models = models
        self._owner = owner
        self._actor = actor
        self._limits = limits_of(settings)
        self._rates = rates.RateLimits(settings.rate_requests, settings.rate_tokens)
        self._told_prices: set[str] = set()

    def start_up(self) -> int:
        """Book what dead processes left, and tell the limits that hold from now on; how many calls were left.

        Tasks that waited for a price are let go: the settings may name it now.
        """

        def begin(tx: Transaction) -> int:
            budgets.keep_limits(tx, self._limits)
            tx.set_meta(rates.RATE_LIMITS, self._rates.as_json())
            tx.run("forget_prices")
            for row in tx.all("held_by"):
                if row["held_by"].startswith(budgets.PRICE_PREFIX):
                    ending.let_go(tx, row["held_by"])
            return budgets.settle_abandoned(tx, "swarm")

        return self._store.write(begin)

    # -- one call, step by step ----------------------------------------------------------------------------

    def prepare(
        self, approved: Approved, wishes: Wishes, payer: Payer, lease: int | None = None
    ) -> ModelCall:
        """The call that was approved, with what it may cost. Raises `NoModel`."""
        client, status = self._models.client()
        model = wishes.model or status.model or ""
        endpoint = status.endpoint or ""
        host = urlsplit(endpoint).hostname or ""
        facts = self._catalog.facts(model, Place(endpoint, is_loopback(host), status.model))
        request = self._request(approved, model, wishes, facts)
        texts = [message.content for message in request.messages]
        return ModelCall(
            id=secrets.token_hex(8),
            request=request,
            client=client,
            host=host,
            digest=approved.digest,
            payer=replace(payer, subtrees=subtree_budgets.above(self._store.reader, payer.task_id)),
            lease=lease,
            facts=facts,
            worst_micros=worst_case(facts, texts, request.max_tokens),
            likely_tokens=likely_tokens(texts) + request.max_tokens,
        )

    def reserve(self, tx: Transaction, call: ModelCall) -> CallHeld | None:
        """Take the call's rate and reserve its worst case, in the transaction that lets it start.

        Returns what holds it instead, and then nothing was taken.
        """
        self._tell_price(tx, call)
        accounts = counted(tx, call.payer, call.request.model, tx.now)
        held = self._unpriced(call) or self._unpaid(tx, call, accounts) or self._too_early(tx, call)
        if held is not None:
            self._audit(tx, call, "blocked", call.worst_micros, rule=held.rule, reason=held.waiting_for)
            return held
        if call.worst_micros:
            budgets.reserve(tx, self._reservation(call, accounts))
        decision = "reserved" if call.worst_micros else "allowed"
        most, temperature = call.request.max_tokens, call.request.temperature
        self._audit(tx, call, decision, call.worst_micros, max_tokens=most, temperature=temperature)
        return None

    def ask(self, call: ModelCall, on_text: Callable[[str], None], handle: Call) -> ChatResult:
        """Make a call that was let through, and note what it came to. Raises as `ChatClient.complete`."""
        price = call.facts.price
        assert price is not None  # noqa: S101  without one it was not let through
        heard: list[bool] = []

        def hear(text: str) -> None:
            heard[:] = [True]
            on_text(text)

        # Until it is known better: whatever ends this call from here on, it may have used everything.
        call.bill = Bill(call.worst_micros, is_settled=price.is_free)
        try:
            result = call.client.complete(call.request, on_text=hear, call=handle)
        except ModelError as error:
            call.told = {"code": error.code}
            if (error.turned_away or isinstance(error, ModelUnreachable)) and not heard:
                call.bill = _NOTHING
            else:
                error.counts = True  # it may have been worked for: whatever ended it, it was a try
            raise
        call.told = told_of(result)
        usage = result.usage
        counted = Counted(usage.prompt_tokens, usage.completion_tokens, usage.source, bool(result.text))
        call.bill = bill_of(price, counted, call.worst_micros)
        return result

    def settle(self, tx: Transaction, call: ModelCall) -> None:
        """Book a call that was let through, in the transaction that records how it ended."""
        bill = call.bill or _NOTHING  # never sent
        if call.worst_micros:
            booked = budgets.book(tx, call.id, bill.micros if bill.is_settled else None)
            if booked is None:
                return
        used = call.likely_tokens if bill.tokens is None else bill.tokens
        rates.correct(
            tx, self._rates, call.request.model, call.likely_tokens, 0 if call.bill is None else used
        )
        decision = "settled" if bill.is_settled else "unsettled"
        self._audit(tx, call, decision, bill.micros, tokens=bill.tokens, **call.told)

    def complete(
        self, approved: Approved, wishes: Wishes, payer: Payer, on_text: Callable[[str], None], handle: Call
    ) -> ChatResult:
        """All of it, for a call that belongs to no task. Raises `CallHeld`, and as `ChatClient.complete`."""
        return self.carry_out(self.prepare(approved, wishes, payer), handle, on_text)

    def carry_out(
        self, call: ModelCall, handle: Call, on_text: Callable[[str], None] = lambda _: None
    ) -> ChatResult:
        """Reserve, make and book a prepared call, whose `bill` is known then. Raises as `complete`."""
        self.let_through(call)
        try:
            return self.ask(call, on_text, handle)
        finally:
            self._store.write(lambda tx: self.settle(tx, call))

    def let_through(self, call: ModelCall) -> None:
        """Reserve in a transaction of its own. Raises `CallHeld`."""
        (held,) = self._store.write(lambda tx: (self.reserve(tx, call),))
        if held is not None:
            raise held

    # -- what may hold a call ------------------------------------------------------------------------------

    def _unpriced(self, call: ModelCall) -> CallHeld | None:
        if call.facts.price is not None:
            return None
        model = call.request.model
        return PriceUnknown(
            held_by=f"{budgets.PRICE_PREFIX}{model}",
            waiting_for=f"price of {model} unknown: set llm_price_input and llm_price_output, or name it in "
            "config/models.toml",
        )

    def _unpaid(self, tx: Transaction, call: ModelCall, accounts: list[budgets.Account]) -> CallHeld | None:
        if not call.worst_micros:
            return None
        limits = self._limits.overridden(budgets.overrides(tx))
        return over_budget(tx, accounts, limits, call.payer, call.worst_micros)

    def _too_early(self, tx: Transaction, call: ModelCall) -> CallHeld | None:
        model = call.request.model
        wait = rates.take(tx, self._rates, model, call.likely_tokens)
        if wait is None:
            return None
        return RateLimited(
            held_by=f"{rates.RATE_PREFIX}{model}",
            waiting_for=f"rate limit of {model} ({wait.limit})",
            retry_after_s=wait.seconds,
        )

    def _reservation(self, call: ModelCall, accounts: list[budgets.Account]) -> budgets.Reservation:
        return budgets.Reservation(
            id=call.id,
            task_id=call.payer.task_id,
            lease=call.lease,
            model=call.request.model,
            owner=self._owner,
            accounts=accounts,
            micros=call.worst_micros,
        )

    # -- the rest ------------------------------------------------------------------------------------------

    def _request(self, approved: Approved, model: str, wishes: Wishes, facts: ModelFacts) -> ChatRequest:
        settings = self._settings
        return ChatRequest(
            messages=approved.messages,
            model=model,
            max_tokens=facts.most_written(wishes.max_tokens or settings.llm_max_tokens),
            temperature=settings.llm_temperature if wishes.temperature is None else wishes.temperature,
            timeout_s=wishes.timeout_s or settings.llm_timeout_s,
        )

    def _tell_price(self, tx: Transaction, call: ModelCall) -> None:
        """Keep a price for those who do not load the catalogue, the first time it is used."""
        model = call.request.model
        if call.facts.price is not None and model not in self._told_prices:
            tx.run("put_price", model=model, now=tx.now, **call.facts.as_row())
            self._told_prices.add(model)

    def _audit(
        self,
        tx: Transaction,
        call: ModelCall,
        decision: str,
        micros: int,
        rule: str | None = None,
        **fields: object,
    ) -> None:
        tx.audit(
            "model_call",
            decision,
            actor=self._actor,
            task_id=call.payer.task_id,
            lease=call.lease,
            rule=rule,
            digest=call.digest,
            cost_micros=micros,
            call=call.id,
            model=call.request.model,
            endpoint=call.host,
            **fields,
        )
