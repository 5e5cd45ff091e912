"""Lists of models and policies are the same in every format, and what is wrong in them is pointed at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config_files import toml_spots
from config_files.models import ModelsFile, read_models_file
from config_files.tables import read_table
from cost.model_catalog import ModelCatalog, Place
from errors import InvalidSetting
from runs.policy_file import PoliciesFile, read_policies
from setting_sources import load_settings
from settings import Home

TOML = """\
[[model]]
name = "own"
input = 0.15
output = 0.6
price_from = "https://example.com"
price_date = 2026-11-28
requests_per_minute = 60
tokens_per_minute = 9000
concurrency = 2

[roles]
fast = "own"
"""
YAML = """\
model:
  - name: own
    input: 0.15
    output: 0.6
    price_from: https://example.com
    price_date: 2026-11-28
    requests_per_minute: 60
    tokens_per_minute: 9000
    concurrency: 2
roles: {fast: own}
"""
JSON = json.dumps(
    {
        "model": [
            {
                "name": "own",
                "input": 0.15,
                "output": 0.6,
                "price_from": "https://example.com",
                "price_date": "2026-11-28",
                "requests_per_minute": 60,
                "tokens_per_minute": 9000,
                "concurrency": 2,
            }
        ],
        "roles": {"fast": "own"},
    }
)
FORMATS = {"models.toml": TOML, "models.yaml": YAML, "models.yml": YAML, "models.json": JSON}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_a_list_of_models_says_the_same_in_every_format(config: Path, name: str) -> None:
    (config / "models.toml").write_text(TOML)
    expected = read_models_file(config / "models.toml")
    (config / "models.toml").unlink()
    (config / name).write_text(FORMATS[name])

    found = read_models_file(config / "models.toml")

    assert found == expected
    assert found.limits() == {
        "rate_requests": {"own": 60}, "rate_tokens": {"own": 9000}, "model_limits": {"own": 2}
    }  # fmt: skip
    facts = ModelCatalog.of_home(load_settings(Home(config.parent), {}).settings, config / "models.toml")
    told = facts.facts("own", Place("https://models.example", is_loopback=False, default_model=None))
    assert told.source == f"config/{name} (https://example.com, 2026-11-28)"


def test_policies_may_be_yaml(config: Path) -> None:
    text = "default: slow\npolicy:\n  slow:\n    max_parallelism: 3\n    budget_limit: {amount: 1.5}\n"
    (config / "policies.yaml").write_text(text)

    assert read_policies(config / "policies.toml").named(None).max_parallelism == 3


def test_two_files_of_one_name_are_refused_and_both_are_named(config: Path) -> None:
    (config / "models.toml").write_text(TOML)
    (config / "models.json").write_text(JSON)

    with pytest.raises(InvalidSetting, match=r"models\.toml and config/models\.json stand side by side"):
        read_models_file(config / "models.toml")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "models.toml",
            '[[model]]\nname = "m"\n  ouput = 1\n',
            "models.toml:3:11: model[0].ouput: is",
        ),
        ("models.toml", '[[model]]\nname = "m"\nprice = 1', "did you mean"),
        (
            "models.toml",
            "[[model]]\ninput = 1\noutput = 1\n",
            "models.toml:1:1: model[0].name: is missing",
        ),
        ("models.toml", "[[model", "config/models.toml: Expected ']]'"),
        ("models.toml", "x = 1\nx = 2\n", "config/models.toml:2:6: Cannot overwrite a value"),
        ("models.yaml", "model:\n  - name: m\n    ouput: 1\n", "models.yaml:3:12: model[0].ouput: is"),
        ("models.yaml", "model: []\nmodel: []\n", "models.yaml:2:1: the key 'model' stands twice"),
        ("models.yaml", "model: &a []\nroles: *a\n", "config/models.yaml:"),
        (
            "models.json",
            '{"model": [],\n "model": []}',
            "models.json:2:2: the key 'model' stands twice",
        ),
        ("models.json", '{"roles": {"best": "m"}}', "config/models.json:1:20: roles.best: must"),
        ("models.json", '{"model": [{"name": "m", "concurrency": true}]}', "model[0].concurrency: must be"),
        (
            "models.toml",
            '[[model]]\nname = "m"\nconcurrency = 0\n',
            "models.toml:3:15: model[0].concurrency",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(config: Path, name: str, text: str, told: str) -> None:
    (config / name).write_text(text)

    with pytest.raises(InvalidSetting) as error:
        read_table(config / "models.toml", ModelsFile)

    assert told in error.value.message


def test_a_setting_counts_over_the_list_and_the_list_over_every_other_model(config: Path) -> None:
    (config / "models.toml").write_text(TOML + '[[model]]\nname = "other"\nrequests_per_minute = 7\n')
    (config.parent / "skep.toml").write_text('rate_requests = { own = 5, "*" = 1 }\n')

    loaded = load_settings(Home(config.parent), {})

    assert loaded.settings.rate_requests == {"own": 5, "*": 1, "other": 7}
    assert (loaded.settings.rate_tokens, loaded.settings.model_limits) == ({"own": 9000}, {"own": 2})
    assert loaded.sources["model_limits"] == "config/models.toml"
    assert loaded.sources["rate_requests"] == "skep.toml, config/models.toml"


def test_the_place_of_every_key_of_a_toml_text_is_found() -> None:
    text = (
        '# head\na.b = """x\n[no]\n"""\n[t."q d"] # why\nlist = [\n  1, {c = "}", d = 2},\n]\n'
        "[[u]]\n[[u]]\n[u.v]\nw = 'x'\n"
    )

    found = toml_spots.find(text)

    assert found["a", "b"] == (2, 7)
    assert found["t", "q d"] == (5, 1)
    assert found["t", "q d", "list"] == (6, 8)
    assert found["t", "q d", "list", 1] == (7, 6)
    assert found["t", "q d", "list", 1, "d"][0] == 7
    assert found["u", 1, "v", "w"] == (12, 5)
    assert not [way for way in found if "no" in way]


def test_a_policy_in_a_wrong_place_is_pointed_at(config: Path) -> None:
    (config / "policies.json").write_text('{"policy": {"a": {"on_failure": "maybe"}}}')

    with pytest.raises(InvalidSetting, match=r"^config/policies\.json:1:33: policy\.a\.on_failure: must be"):
        read_table(config / "policies.toml", PoliciesFile)
