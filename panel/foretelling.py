"""What would become of a task, before it is added: may it run, which tool, what plan, what it may cost.

The same rooms are asked that the daemon asks, with the settings and files that the home has now; nothing is
written, nothing runs, and no model is called. Loaded when somebody first asks, as these rooms are large.
"""

from __future__ import annotations

from typing import Any, Final

from config_files import tables
from config_files.models import read_models
from cost.cost_calculator import worst_case
from cost.model_catalog import ModelFacts, price_of_entry, price_of_settings
from cost.token_estimator import likely_tokens
from errors import InvalidSetting
from money import dollars_text
from planning.plan import PlanRules, consider
from planning.subtasks import id_candidates, make_subtasks
from redaction import clean
from runtime_contract import Task
from safety.gateway import SafetyGateway
from safety.work import Work
from settings import Home, Settings
from store import tool_uses
from store.reading import MODEL_STATUS, Reader
from store.subtasks import own_words
from tool_router import HomeTools, Route, as_command
from toolbox.standing import Use

#: Characters of a subtask's own words.
_WORDS_SHOWN: Final = 200
Told = dict[str, Any]


class Foreteller:
    """Tells of the tasks of one home. Threads may share it.

    Raises `InvalidSetting` where the home's files are wrong.
    """

    def __init__(self, home: Home, settings: Settings, reader: Reader) -> None:
        self._home = home
        self._settings = settings
        self._reader = reader
        self._gateway = SafetyGateway(home, settings)
        self._tools = HomeTools(home.root, settings, self._uses)

    def _uses(self) -> dict[str, Use]:
        return {name: Use(*counts) for name, counts in tool_uses.uses(self._reader).items()}

    def tell(self, task: Task) -> Told:
        """All that is known of a task beforehand."""
        route = self._route(task)
        going = task if route is None or route.outcome != "run" else as_command(task, route.command)
        return {
            "safety": self._safety(going),
            "route": None if route is None else _route_told(route),
            "plan": self._plan(task),
            "cost": self._cost(going, route),
        }

    def facts_for(self, task: Task) -> ModelFacts | None:
        """What is known of the model that a task would be given; none where that is nothing."""
        return self._facts(task.model or self._default_model())

    def blocked(self, task: Task) -> str | None:
        """Why the safety gateway would not let a task run; none where it would."""
        told = self._safety(task)
        return None if told["allowed"] else told["reason"] or told["rule"] or "it may not run"

    def _safety(self, task: Task) -> Told:
        """What the safety gateway says to it now; it is asked again about what is added on the way."""
        approved, report = self._gateway.examine(task, Work.of(task))
        failed = next((one for one in report["checks"].values() if not one["passed"]), None)
        argv = () if approved is None else approved.argv
        return {
            "allowed": approved is not None,
            "rule": failed["rule"] if failed else None,
            "reason": clean(report["blocked_reason"] or ""),
            "notes": [clean(f"{flag['check']}: {flag['reason']}") for flag in report["flags"]],
            "secrets": report["redacted"],
            "argv": [clean(word) for word in argv] or None,
            "needs_person": approved is not None and approved.rights.needs_person,
        }

    def _route(self, task: Task) -> Route | None:
        """The tool a prompt would be given; none where the task says itself what runs."""
        if task.mode != "llm" or not task.prompt:
            return None
        found = self._tools.route(task.prompt)
        if found.outcome != "run":
            return found
        command = as_command(task, found.command)
        for each in (task, command):
            approved, report = self._gateway.examine(each, Work.of(each))
            if approved is None:
                return self._tools.route(task.prompt, why_not_run=str(report["blocked_reason"]))
        return found

    def _plan(self, task: Task) -> Told | None:
        """Whether it would be split, and into what; a model may say otherwise where the settings ask one."""
        if task.mode != "llm":
            return None
        rules = PlanRules.of_settings(self._settings)
        decision = consider(task, rules)
        if decision.split is None:
            return {"split": False, "reason": clean(decision.reason), "subtasks": []}
        ids = next(id_candidates(task.id, len(decision.split.parts)))
        parts = make_subtasks(task, decision.split, ids, may_split=rules.plan_max_depth > 1).documents
        return {
            "split": True,
            "reason": clean(decision.reason),
            "subtasks": [
                {
                    "id": part["id"],
                    "depends_on": part.get("depends_on", []),
                    "words": clean(own_words(str(part["prompt"])))[:_WORDS_SHOWN],
                }
                for part in parts
            ],
        }

    def _cost(self, task: Task, route: Route | None) -> Told:
        """What one attempt may cost: the worst case that would be reserved."""
        if task.mode == "local":
            return _cost_told(None, 0, "A command costs nothing.")
        model = task.model or self._default_model()
        if not model:
            return _cost_told(None, None, "No model is known yet; the cost is told when one is.")
        texts = [message.content for message in Work.of(task).messages]
        if route is not None and route.text:
            texts.append(route.text)
        facts = self._facts(model)
        if facts is None or facts.price is None:
            return _cost_told(model, None, f"The price of {model} is looked up when it is first asked.")
        if facts.price.is_free:
            return _cost_told(model, 0, f"{model} is free ({facts.source}).")
        worst = worst_case(facts, texts, task.max_tokens or self._settings.llm_max_tokens)
        tokens = f"about {likely_tokens(texts):,} tokens read by {model}"
        told = f"At most {dollars_text(worst)} an attempt, {tokens}"
        over = task.max_budget_micros is not None and worst > task.max_budget_micros
        more = "; that is over its max_budget, so a person would be asked" if over else ""
        return _cost_told(model, worst, f"{told} ({facts.source}){more}.")

    def _default_model(self) -> str:
        status = self._reader.fact(MODEL_STATUS)
        return str((status or {}).get("model") or self._settings.llm_model or "")

    def _facts(self, model: str) -> ModelFacts | None:
        """What is known of a model without loading a price list: what was used, or what this home names."""
        row = self._reader.one("get_price", model=model)
        if row is not None:
            return ModelFacts.of_row(row)
        try:
            entries = read_models(self._home.models_file)
            file = tables.find(self._home.models_file).name
        except InvalidSetting:
            return None
        entry = next((each for each in entries if each.name == model), None)
        own = None if entry is None else price_of_entry(entry)
        if entry is not None and own is not None:
            return ModelFacts(own, file, entry.context_window, entry.max_output)
        price = price_of_settings(self._settings, is_loopback=False)
        is_default = model == self._settings.llm_model
        return ModelFacts(price, "llm_price_input and llm_price_output") if price and is_default else None


def _cost_told(model: str | None, micros: int | None, text: str) -> Told:
    return {"model": None if model is None else clean(model), "worst_micros": micros, "text": clean(text)}


def _route_told(found: Route) -> Told:
    return {
        "tool": found.tool.name if found.tool else None,
        "outcome": found.outcome,
        "confidence": round(found.confidence, 3),
        "reason": clean(found.reason or "there are no tools"),
        "argv": [clean(word) for word in found.command.argv] or None,
    }
