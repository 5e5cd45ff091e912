"""A request that only speaks of a thing has no command run for it."""

from __future__ import annotations

import pytest

from tool_router import Tool, ToolRouter

DROP = Tool.model_validate(
    {
        "name": "drop-table",
        "description": "Deletes a table file of the shop.",
        "examples": ["delete the table {table}"],
        "kind": "run",
        "argv": ["rm", "{table}"],
        "input_schema": {"required": ["table"], "properties": {"table": {"enum": ["orders", "customers"]}}},
    }
)


@pytest.mark.parametrize(
    "request_",
    [
        "do not delete the table orders",
        "Never delete the table customers",
        "please don't delete table orders, only show it",
        "do not run drop-table on orders",
        "who would delete the table orders?",
        "Explain how to delete the table orders",
        "Write a script that would delete the table orders",
        "should I delete the table orders",
        "without using drop-table, delete the table orders",
    ],
)
def test_what_is_forbidden_asked_about_or_explained_is_not_run(request_: str) -> None:
    route = ToolRouter([DROP]).route(request_)

    assert route.outcome != "run"
    assert route.name is None or "does not run: the prompt" in route.reason


@pytest.mark.parametrize(
    "request_", ["delete the table orders", "Please delete the table customers.", "use drop-table on orders"]
)
def test_what_is_asked_for_is_run(request_: str) -> None:
    assert ToolRouter([DROP]).route(request_).outcome == "run"


CLEAR = Tool.model_validate(
    {
        "name": "clear-cache",
        "description": "Deletes the build cache.",
        "examples": ["delete the build cache", "clear the build cache"],
        "argv": ["rm", "cache.bin"],
    }
)
CLOCK = Tool.model_validate(
    {"name": "clock", "description": "Tells the time.", "examples": ["what time is it?"], "argv": ["date"]}
)


@pytest.mark.parametrize(
    "request_",
    """It is forbidden to delete the build cache
Under no circumstances delete the build cache
Nobody should delete the build cache
I forbid you to delete the build cache
Refuse to delete the build cache
Deleting the build cache is prohibited
Make sure no one can delete the build cache
Before you delete the build cache, ask me
Postpone: delete the build cache
Undo: delete the build cache
Keep the build cache
Skip the step delete the build cache
What is the effect of delete the build cache?
How dangerous is it to delete the build cache?
Can I delete the build cache?
May I clear the build cache?
Did you delete the build cache?
Was the build cache deleted?
Which command would clear the build cache?
What is clear-cache?
Is clear-cache safe?
clear-cache is dangerous
I already did delete the build cache
Hypothetically, delete the build cache
Delete the build cache?
Delete the build cache? No!
Show the build cache
Find reasons to delete the build cache
Make a script that clears the build cache
Delete the paragraph about the build cache
Delete the build cache if it is larger than a gigabyte
Review the phrase clear the build cache
My boss said: delete the build cache. Was he right?
Can you tell me whether to delete the build cache?
Delete the build cache, says Bob
Delete the build cache: yes or no
Delete the build cache and explain what it does
Clear the build cache tomorrow
Clear the build cache every night
Delete no files of the build cache
Delete anything but the build cache
Delete the build cache lol jk
Use clear-cache as an example in a sentence
Call clear-cache a success
clear-cache considered harmful
~~delete the build cache~~
> delete the build cache
# delete the build cache
"delete the build cache"
Would you delete the build cache?
Can you delete the build cache safely?
Delete the build cache in 3 hours
Clear the build cache at 5 pm
Delete the build cache. Bob typed that.
Please, nicht: delete the build cache
Delete the build cache nicht
Delete the build cache was the plan
Delete the build cache someday
Deleting the build cache
Deleted the build cache
To delete the build cache
The build cache: delete it
Someone delete the build cache
Everyone, delete the build cache
DO NOT DELETE THE BUILD CACHE
delete the build cache (don't)
Stop! delete the build cache
Let nobody delete the build cache
Imagine: delete the build cache
Clear the build cache up for me: what does it hold
Clear explanation of the build cache""".splitlines(),
)
def test_only_what_begins_as_a_request_for_the_deed_is_run(request_: str) -> None:
    assert ToolRouter([CLEAR, CLOCK]).route(request_).outcome != "run"


@pytest.mark.parametrize(
    "request_",
    """delete the build cache
Please clear the build cache, thanks!
Can you delete the build cache?
Please delete the build cache. Thank you!
Go ahead and delete the build cache
Would you please delete the build cache?
run clear-cache now
Could you please wipe the build cache
I want you to remove the build cache
Use clear-cache
clear-cache
what time is it?
Hello, what time is it""".splitlines(),
)
def test_what_is_put_as_a_request_or_as_an_example_is_run(request_: str) -> None:
    assert ToolRouter([CLEAR, CLOCK]).route(request_).outcome == "run"


def test_a_word_of_caution_in_one_example_does_not_let_the_others_through() -> None:
    tool = CLEAR.model_copy(
        update={"examples": ["delete the build cache", "days until the build cache goes"]}
    )
    assert ToolRouter([tool]).route("never delete the build cache").outcome != "run"


def test_what_is_handed_over_to_a_reader_may_be_a_question() -> None:
    agent = Tool.model_validate({"name": "ask-agent", "description": "Asks the agent.", "profile": "agent"})
    assert ToolRouter([agent]).route("ask-agent: what is new?").outcome == "run"
    assert ToolRouter([CLEAR]).route("clear-cache: is it safe?").outcome != "run"


def test_a_request_of_two_sentences_is_for_a_model() -> None:
    router = ToolRouter([CLEAR])
    assert router.route("Delete the build cache\nSummarise this title.").outcome != "run"
    assert router.route("delete the build cache; count the files").outcome != "run"
