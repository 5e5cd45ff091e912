"""Where a price comes from: the home's list, the settings, this machine, the price list, or nowhere."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from config_files.models import read_models
from cost.model_catalog import ModelCatalog, ModelFacts, Place
from errors import InvalidSetting
from settings import Settings

OPENAI = Place("https://api.openai.com/v1", is_loopback=False, default_model="gpt-4o-mini")
HERE = Place("http://127.0.0.1:11434/v1", is_loopback=True, default_model="llama")
ELSEWHERE = Place("https://models.example/v1", is_loopback=False, default_model="own")


def catalog(tmp_path: Path, text: str = "", **settings: object) -> ModelCatalog:
    path = tmp_path / "models.toml"
    path.write_text(text, "utf-8")
    return ModelCatalog.of_home(Settings.model_validate(settings), path)


def test_a_known_provider_is_found_by_its_address(tmp_path: Path) -> None:
    facts = catalog(tmp_path).facts("gpt-4o-mini", OPENAI)

    assert facts.price is not None
    assert (facts.price.read, facts.price.written) == (Decimal("0.15"), Decimal("0.6"))
    assert facts.source.startswith("genai-prices ")
    assert facts.source.endswith(": openai, gpt-4o-mini")


def test_a_price_that_rises_with_the_prompt_keeps_its_steps(tmp_path: Path) -> None:
    place = Place("https://generativelanguage.googleapis.com/v1beta/openai", False, None)

    price = catalog(tmp_path).facts("gemini-2.5-pro", place).price

    assert price is not None
    assert price.steps[0].above == 200_000
    assert price.steps[0].read > price.read


@pytest.mark.parametrize(
    ("model", "place"), [("no-such-model", OPENAI), ("gpt-4o-mini", ELSEWHERE), ("", OPENAI)]
)
def test_what_nobody_knows_is_unknown(tmp_path: Path, model: str, place: Place) -> None:
    assert catalog(tmp_path).facts(model, place).price is None


def test_this_machine_costs_nothing_unless_it_is_priced(tmp_path: Path) -> None:
    free = catalog(tmp_path).facts("gpt-4o-mini", HERE).price
    priced = catalog(tmp_path, llm_price_input=2.0).facts("llama", HERE).price

    assert free is not None
    assert free.is_free
    assert priced is not None
    assert (priced.read, priced.written) == (Decimal(2), Decimal(0))


def test_the_settings_price_the_model_they_name_and_what_nobody_else_knows(tmp_path: Path) -> None:
    prices = catalog(tmp_path, llm_price_input=1.0, llm_price_output=2.0)

    own, unknown = prices.facts("own", ELSEWHERE).price, prices.facts("other", ELSEWHERE).price
    default, dearer = prices.facts("gpt-4o-mini", OPENAI).price, prices.facts("gpt-4o", OPENAI).price

    assert own == unknown == default
    # A task may name a dearer model; the settings do not make it cheap.
    assert dearer is not None
    assert dearer.read == Decimal("2.5")


def test_half_a_price_is_none(tmp_path: Path) -> None:
    assert catalog(tmp_path, llm_price_input=1.0).facts("own", ELSEWHERE).price is None


def test_the_homes_own_list_comes_first(tmp_path: Path) -> None:
    text = """
        [[model]]
        name = "gpt-4o-mini"
        input = 9.0
        output = 10
        context_window = 1000
        max_output = 100

        [[model]]
        name = "renamed"
        provider = "openai"
        """
    prices = catalog(tmp_path, text, llm_price_input=1.0, llm_price_output=2.0)

    facts = prices.facts("gpt-4o-mini", OPENAI)
    assert facts.price is not None
    assert (facts.price.read, facts.price.written) == (Decimal(9), Decimal(10))
    assert facts.source == "config/models.toml"
    assert (facts.most_read(5000), facts.most_read(500), facts.most_written(5000)) == (1000, 500, 100)
    assert ModelFacts.of_row(facts.as_row()) == facts


def test_a_provider_may_be_named_for_an_address_the_list_does_not_know(tmp_path: Path) -> None:
    text = '[[model]]\nname = "gpt-4o-mini"\nprovider = "openai"\nmax_output = 5'

    facts = catalog(tmp_path, text).facts("gpt-4o-mini", ELSEWHERE)

    assert facts.price is not None
    assert facts.price.read == Decimal("0.15")
    assert facts.max_output == 5


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[[model]]\nname = "m"\ninput = nan\noutput = 1', "model[0].input"),
        ('[[model]]\nname = "m"\ninput = inf\noutput = 1', "model[0].input"),
        ('[[model]]\nname = "m"\ninput = -1\noutput = 1', "model[0].input"),
        ('[[model]]\nname = "m"\ninput = true\noutput = 1', "model[0].input"),
        ('[[model]]\nname = "m"\ninput = "1"\noutput = 1', "model[0].input"),
        ('[[model]]\nname = "m"\ninput = 1', "give both input and output"),
        ('[[model]]\nname = "m"\ncontext_window = 0', "model[0].context_window"),
        ('[[model]]\nname = "m"\nprice = 1', "model[0].price"),
        ('[[model]]\nname = "m"\n[[model]]\nname = "m"', "two models are named m"),
        ("[[model]]", "model[0].name"),
        ("[[model", "config/models.toml"),
    ],
)
def test_a_wrong_entry_is_named_at_the_start(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(InvalidSetting, match=r"config/models\.toml") as error:
        catalog(tmp_path, text)

    assert place in error.value.message


def test_the_file_that_is_shipped_says_nothing_yet() -> None:
    assert read_models(Path(__file__).parents[3] / "config" / "models.toml") == []
    assert read_models(Path("no-such-file")) == []


@pytest.mark.parametrize("budget", ["budget_day_usd", "budget_total_usd", "budget_run_usd"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1", True, float("nan"), float("inf"), -0.01, 1e10])
def test_a_budget_that_is_no_amount_is_refused(budget: str, value: object) -> None:
    with pytest.raises(ValueError, match=budget):
        Settings.model_validate({budget: value})


@pytest.mark.parametrize("setting", ["budget_model_usd", "rate_requests", "rate_tokens"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, True])
def test_so_is_one_in_a_table(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=setting):
        Settings.model_validate({setting: {"m": value}})


def test_a_home_that_asks_only_itself_never_loads_the_list() -> None:
    """It takes a fifth of a second and some 10 MB."""
    code = (
        "import sys, swarm, worker, control_panel\n"
        "from cost.model_catalog import ModelCatalog, Place\nfrom settings import Settings\n"
        "ModelCatalog(Settings(), []).facts('m', Place('http://127.0.0.1', True, None))\n"
        "sys.exit('genai_prices' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)

    assert done.returncode == 0
