"""Workflow files: what is read, what is refused and where, and the run that comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config_files.documents import parse_document
from errors import InvalidFile, InvalidSetting
from run_contract.errors import InvalidInput
from run_contract.policy import RunPolicy
from runs.compiling import run_of
from runs.policy_file import read_policies
from runs.workflow_file import InvalidWorkflow, parse_workflow


def document(*steps: dict[str, Any], **more: Any) -> str:
    """A workflow of these steps as JSON."""
    return json.dumps({"workflow": {"name": "w", "steps": list(steps), **more}}, indent=2)


def step(step_id: str, *deps: str, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "prompt": "x", **({"depends_on": list(deps)} if deps else {}), **more}


def rounds(first: str | None = None) -> dict[str, Any]:
    until = {"of": "{{output}}", "test": "contains", "value": "x"}
    return {"until": until, **({} if first is None else {"first": first})}


def within(told: str) -> dict[str, Any]:
    """A step that a run does, which is told this."""
    inner = {"name": "i", "inputs": {"q": None}, "steps": [step("w", prompt="{{inputs.q}}")]}
    return {"id": "a", "run": {"workflow": inner, "inputs": {"q": told}}}


def rules(text: str, name: str = "w.json") -> list[tuple[str, str]]:
    """The rules that a text breaks, with the paths."""
    try:
        parse_workflow(text, name)
    except InvalidWorkflow as error:
        return [(each["rule"], each["path"]) for each in error.details["problems"]]
    return []


# -- documents ---------------------------------------------------------------------------------------------


def test_yaml_is_read_as_the_values_json_has() -> None:
    text = "a: yes\nb: 2026-01-01\nc: 0o7\nd: [1, 2.5, true, null, ~]\ne: '1'\nf: no\ng: |\n  two\n  lines\n"

    assert parse_document(text, "f.yaml").value == {
        "a": "yes", "b": "2026-01-01", "c": "0o7", "d": [1, 2.5, True, None, None], "e": "1", "f": "no",
        "g": "two\nlines\n",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' stands twice"),
        ("a: &x [1]\nb: *x\n", "an alias repeats it"),
        ("a: !!python/object/apply:os.system [ls]\n", "f.yaml:1:4: the tag"),
        ("a: !secret x\n", "the tag !secret is not known"),
        ("? [a]\n: 1\n", "a key must be a word"),
        ("a: [1\n", "f.yaml:2:1: "),
        ("a: b: c\n", "f.yaml:1:5: "),
        ("[" * 40 + "]" * 40, "f.yaml:1:33: is nested more than 32 deep"),
        ("a:\n  - " + "[" * 500_000, "f.yaml:2:35: is nested more than 32 deep"),
        ("a: " + "{a: " * 5_000, "f.yaml:1:128: is nested more than 32 deep"),
        ("- " * 5_000, "f.yaml:1:65: is nested more than 32 deep"),
        ("".join(f"{' ' * level}a:\n" for level in range(900)), "f.yaml:33:33: is nested more than 32 deep"),
    ],
)
def test_yaml_that_is_hostile_or_wrong_is_refused_with_its_place(text, told) -> None:
    with pytest.raises(InvalidFile) as refused:
        parse_document(text, "f.yaml")

    assert told in refused.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1,\n "a": 2}', "f.json:2:2: the key 'a' stands twice"),
        ('{"a": 1,}', "f.json:1:"),
        ('{"a": NaN}', "NaN is no JSON"),
        ("", "f.json:1:1: "),
        ("{'a': 1}", "f.json:1:2: "),
        ("[" * 1_000_000, "f.json:1:33: is nested more than 32 deep"),
        ('{"a":\n' * 5_000, "f.json:33:1: is nested more than 32 deep"),
        ('["' + '"' * 200_000, "f.json:1:"),
        ('["' + '[\\"' * 200_000, "f.json:1:2: Unterminated string"),
    ],
)
def test_json_is_read_strictly(text, told) -> None:
    with pytest.raises(InvalidFile) as refused:
        parse_document(text, "f.json", is_json=True)

    assert told in refused.value.message


@pytest.mark.parametrize("is_json", [True, False])
def test_what_is_nested_just_deep_enough_and_brackets_in_a_text_are_read(is_json) -> None:
    value: object = "[" * 100
    for _ in range(32):
        value = [value]

    assert parse_document(json.dumps(value), "f", is_json=is_json).value == value


def test_json_with_tabs_and_escapes_keeps_its_places() -> None:
    found = parse_document('{\n\t"a": "\\ud83d\\ude00\\/",\n\t"b": [1]\n}', "f.json", is_json=True)

    assert found.value == {"a": "😀/", "b": [1]}
    assert found.where(["b", 0]) == "f.json:3:8"


# -- rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (document(), ("no_steps", "workflow.steps")),
        (document(step("a"), name=" "), ("workflow_name_empty", "workflow.name")),
        (document(step("a"), name="two\nlines"), ("workflow_name_control", "workflow.name")),
        (document(step("")), ("step_id_empty", "workflow.steps[0].id")),
        (document(step("../x")), ("step_id_invalid", "workflow.steps[0].id")),
        (document(step("a"), step("a")), ("step_id_duplicate", "workflow.steps[1].id")),
        (document(step("a", role="")), ("step_role_empty", "workflow.steps[0].role")),
        (document({"id": "a"}), ("prompt_missing", "workflow.steps[0]")),
        (document(step("a", "b")), ("dependency_not_found", "workflow.steps[0].depends_on[0]")),
        (document(step("a", "a")), ("cycle_detected", "workflow.steps[0].depends_on")),
        (document(step("a", "b"), step("b", "a")), ("cycle_detected", "workflow.steps[0].depends_on")),
        (document(step("x"), step("a", "c"), step("b", "a"), step("c", "b")),
         ("cycle_detected", "workflow.steps[1].depends_on")),
        (document(step("a", prompt="{{deps.b.output}}"), step("b")),
         ("unknown_reference", "workflow.steps[0].prompt")),
        (document(step("a", prompt="{{inputs.x}}")), ("unknown_reference", "workflow.steps[0].prompt")),
        (document(step("a", prompt="{{item}}")), ("unknown_reference", "workflow.steps[0].prompt")),
        (document(step("a"), type="other"), ("wrong", "workflow.type")),
        (document(step("a"), steps_=1), ("unknown_key", "workflow.steps_")),
        (document(step("a", depends_on="b")), ("wrong", "workflow.steps[0].depends_on")),
        (document(step("a", budget=-1)), ("wrong", "workflow.steps[0].budget")),
        (document(step("a"), policy={"max_paralelism": 2}),
         ("unknown_key", "workflow.policy.max_paralelism")),
        (document(step("a"), policy={"timeout_ms": "5"}), ("wrong", "workflow.policy.timeout_ms")),
        (document(step("a", when={"of": "x", "test": "is", "value": "y"})),
         ("wrong", "workflow.steps[0].when.test")),
        (document(step("a", repeat=rounds("b")), step("b")),
         ("rounds_begin_nowhere", "workflow.steps[0].repeat.first")),
        (document(step("a"), step("b", "a", repeat=rounds("a")), step("c", "b", repeat=rounds("a"))),
         ("rounds_within_rounds", "workflow.steps[2].repeat")),
        (document(step("a"), step("b", "a", repeat=rounds("a")), step("c", "a", repeat=rounds("a"))),
         ("rounds_cross", "workflow.steps[2].repeat")),
        (document(step("a", repeat=rounds(), for_each=["x"])),
         ("rounds_of_a_list", "workflow.steps[0].repeat")),
        (document(step("a", for_each=["x"]), step("a.1")), ("step_id_kept", "workflow.steps[1].id")),
        (document(step("a", repeat=rounds()), step("a.r2")), ("step_id_kept", "workflow.steps[1].id")),
        (document(step("a", prompt="{{previous}}")), ("unknown_reference", "workflow.steps[0].prompt")),
        (document(within("{{previous}}")), ("unknown_reference", "workflow.steps[0].run")),
        (document(step("a", prompt="{{output}}")), ("unknown_reference", "workflow.steps[0].prompt")),
        ("{}", ("missing", "workflow")),
        ('{"workflow": {"name": "w"}}', ("missing", "workflow.steps")),
    ],
)  # fmt: skip
def test_a_rule_that_is_broken_is_named_with_its_path(text, rule) -> None:
    assert rules(text)[0] == rule


def test_a_run_in_the_midst_of_rounds_may_be_told_what_the_round_before_answered() -> None:
    text = document(within("{{previous}}"), step("k", "a", repeat=rounds("a")))
    workflow = parse_workflow(text, "w.json")
    assert workflow.steps[0].run is not None
    assert workflow.steps[0].run.inputs == {"q": "{{previous}}"}


def test_an_empty_file_says_so() -> None:
    with pytest.raises(InvalidWorkflow, match=r"w\.yaml: the file is empty"):
        parse_workflow("# nothing\n", "w.yaml")


def test_line_and_column_are_told() -> None:
    text = "workflow:\n  name: w\n  steps:\n    - id: a\n      prompt: x\n      depends_on: [b, c]\n"
    with pytest.raises(InvalidWorkflow) as refused:
        parse_workflow(text)

    assert refused.value.message == (
        "workflow.yaml:6:20: workflow.steps[0].depends_on[0]: there is no step 'b' (and 1 more)"
    )
    assert [(each["line"], each["column"]) for each in refused.value.details["problems"]] == [
        (6, 20),
        (6, 23),
    ]


ROLES = ("spec-analyst", "spec-architect", "spec-developer", "spec-validator")


def spec(*more: dict[str, Any], order: tuple[str, ...] = ROLES, chain: bool = True, **fields: Any) -> str:
    """A workflow of the type spec-default with these roles in order, each after the last."""
    steps = []
    for number, role in enumerate(order):
        deps = [f"s{number - 1}"] if number and chain else []
        steps.append({"id": f"s{number}", "role": role, "depends_on": deps})
    return document(*steps, *more, type="spec-default", inputs={"goal": "g"}, **fields)


def optional(role: str, *deps: str) -> dict[str, Any]:
    return {"id": role, "role": role, "prompt": "x", "depends_on": list(deps) or ["s3"]}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (spec(), None),
        (spec(optional("spec-tester")), None),
        (spec(optional("spec-tester"), optional("spec-reviewer", "spec-tester", "s3")), None),
        (spec(order=ROLES[:3]), "required_role_missing"),
        (spec(order=(*ROLES, "spec-analyst")), "required_role_duplicate"),
        (spec(order=(ROLES[1], ROLES[0], *ROLES[2:])), "required_role_order"),
        (spec(chain=False), "invalid_dependency_chain"),
        (spec(optional("spec-tester", "s2")), "optional_role_placement"),
        (spec(optional("poet")), "unknown_role"),
        (spec(optional("poet"), optional_roles=["poet"]), None),
        (spec(optional("spec-tester"), optional_roles=["poet"]), "unknown_role"),
        (spec(optional_roles=["poet"], optional_enabled=["spec-tester"]), "optional_not_allowed"),
        (spec(optional("spec-tester"), optional_enabled=["spec-tester"]), None),
        (spec(optional("spec-reviewer"), optional_enabled=["spec-tester"]), "unknown_role"),
        (spec(optional("poet", "s0"), optional_roles=["poet"]), "optional_role_placement"),
    ],
)
def test_the_type_spec_default_keeps_its_roles_in_order(text, rule) -> None:
    assert [found for found, _ in rules(text)][:1] == ([] if rule is None else [rule])


# -- runs --------------------------------------------------------------------------------------------------


def test_a_step_becomes_a_task_with_all_it_says() -> None:
    workflow = parse_workflow(
        document(
            step("a"),
            step("b", "a", role="writer", priority=2, budget=0.25, subtree_budget=0.5, model_role="fast",
                 outputs=["page.md"], max_tokens=50, timeout_ms=10, required=False, needs="any",
                 when={"of": "{{deps.a.output}}", "test": "at_least", "value": 5}, for_each=["x"]),
            inputs={"k": "v"}, memory={"style": "plain"}, models={"writer": "m"},
        ),
        "w.json",
    )  # fmt: skip
    run = run_of(workflow, RunPolicy())
    found = run.tasks["b"]

    assert run.id.startswith("w-")
    assert run.memory == {"style": "plain"}
    assert (found.deps, found.priority, found.budget_micros, found.subtree_micros) == (
        ["a"],
        2,
        250_000,
        500_000,
    )
    assert (found.model, found.role, found.max_tokens, found.timeout_ms) == ("", "fast", 50, 10)
    assert (found.required, found.needs, found.for_each) == (False, "any", ["x"])
    assert found.when is not None
    assert (found.when.test, found.when.value) == ("at_least", "5")
    assert found.inputs is not None
    assert found.inputs.prompt == "x\n\nGive: page.md."
    assert found.inputs.metadata == {"role": "writer", "outputs": '["page.md"]'}


def test_the_same_workflow_can_be_run_twice() -> None:
    workflow = parse_workflow(document(step("a"), name="My flow!"), "w.json")

    first, second = run_of(workflow, RunPolicy()), run_of(workflow, RunPolicy())

    assert first.id != second.id
    assert first.id.startswith("My-flow")
    assert run_of(workflow, RunPolicy(), run_id="mine").id == "mine"
    with pytest.raises(InvalidInput, match="no id of a run"):
        run_of(workflow, RunPolicy(), run_id="../mine")


def test_a_model_of_a_role_is_used_where_a_step_names_none() -> None:
    text = document(step("a", role="r"), step("b", role="r", model="own"), step("c"), models={"r": "m"})
    run = run_of(parse_workflow(text, "w.json"), RunPolicy())

    assert [each.model for each in run.tasks.values()] == ["m", "own", ""]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [({}, "needs the input 'goal'"), ({"other": "x"}, "no input 'other'; it has: goal, k")],
)
def test_inputs_are_held_to_what_the_workflow_asks_for(given, wrong) -> None:
    workflow = parse_workflow(document(step("a"), inputs={"goal": None, "k": "v"}), "w.json")
    with pytest.raises(InvalidInput, match=wrong):
        run_of(workflow, RunPolicy(), given)
    task = run_of(workflow, RunPolicy(), {"goal": "g"}).tasks["a"]

    assert task.inputs is not None
    assert task.inputs.inputs == {"goal": "g", "k": "v"}


def test_a_role_without_a_prompt_of_its_own_needs_one() -> None:
    text = spec({"id": "p", "role": "poet", "depends_on": ["s3"]}, optional_roles=["poet"])
    with pytest.raises(InvalidInput, match="step p has the role 'poet', which has no prompt"):
        run_of(parse_workflow(text, "w.json"), RunPolicy())


# -- policies ----------------------------------------------------------------------------------------------


def test_policies_are_read_by_name(tmp_path) -> None:
    file = tmp_path / "policies.toml"
    assert read_policies(file).named(None) == RunPolicy()
    file.write_text(
        'default = "slow"\n[policy.slow]\nmax_parallelism = 2\n[policy.fast]\nmax_parallelism = 9\n'
    )
    found = read_policies(file)

    assert (found.named(None).max_parallelism, found.named("fast").max_parallelism) == (2, 9)
    with pytest.raises(InvalidSetting, match="there is no policy 'none' \\(fast, slow\\)"):
        found.named("none")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('default = "none"\n', "there is no"),
        (
            "[policy.a]\nmax_paralelism = 2\n",
            r"^config/policies\.toml:2:18: policy\.a\.max_paralelism: .* did you mean max_parallelism\?",
        ),
        ("[policy.a]\n[policy.a]\n", r"^config/policies\.toml:2:10: "),
        ("policy = 3\n", r"^config/policies\.toml:1:10: policy: must be"),
    ],
)
def test_policies_that_are_none_are_named(tmp_path, text, wrong) -> None:
    file = tmp_path / "policies.toml"
    file.write_text(text)
    with pytest.raises(InvalidSetting, match=wrong):
        read_policies(file)
