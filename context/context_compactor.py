"""Makes what a task is told fit the limit, or refuses: compaction shrinks, is recorded, and can be undone.

Whole messages are left out, the oldest first; memory and tools are never touched. What is left out is kept in
the run's archive under its hash, and the record says which. `summarise` leaves it to a model to say the
oldest in fewer words, which `runs.summarising` asks within the budget of the task; here it is only told how
many there are and whether the outcome fits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from cost.token_estimator import BYTES_PER_TOKEN, byte_count
from run_contract.errors import ContextTooLarge, InvalidInput
from run_contract.job import ContextBundle
from run_contract.policy import ContextPolicy
from run_contract.records import Compaction


class ContextCompactor:
    """Compacts bundles. Keeps nothing itself.

    Parameters:
        ratio: bytes that are one token; 0 or less: 4.
    """

    def __init__(self, ratio: int = BYTES_PER_TOKEN) -> None:
        self.ratio = ratio if ratio > 0 else BYTES_PER_TOKEN

    def compact(
        self, bundle: ContextBundle | None, policy: ContextPolicy, placed_bytes: int = 0
    ) -> ContextBundle:
        """A new bundle that fits; `placed_bytes` are in the prompt already and count as well.

        Raises `InvalidInput` for no bundle, `ContextTooLarge` where it does not fit whatever is left out.
        """
        if bundle is None:
            raise InvalidInput("no context to compact")
        kept = copy_of(bundle)
        most = policy.target * self.ratio
        if policy.strategy == "keep_last_n" and 0 < policy.keep_last_n < len(kept.messages):
            _keep_last(kept, policy.keep_last_n)
        elif policy.strategy == "truncate" and policy.max_tokens:
            self._truncate(kept, most, placed_bytes)
        if policy.strategy != "summarise":
            self.check(kept, policy, placed_bytes)
        return kept

    def check(self, bundle: ContextBundle, policy: ContextPolicy, placed_bytes: int = 0) -> None:
        """Raise `ContextTooLarge` where the bundle is over the limit."""
        if not policy.max_tokens:
            return
        found = size_of(bundle) + placed_bytes
        if found > policy.max_tokens * self.ratio:
            raise ContextTooLarge(
                f"the context has {-(-found // self.ratio):,} tokens, and context_policy.max_tokens allows "
                f"{policy.max_tokens:,} (strategy {policy.strategy}); raise it or choose another strategy"
            )

    def too_many(self, bundle: ContextBundle, policy: ContextPolicy, placed_bytes: int = 0) -> int:
        """How many of the oldest messages have to go for the rest to fit half of the target.

        Half is left to the summary of the others. 0 where everything fits as it is.
        """
        most = policy.max_tokens * self.ratio
        if not policy.max_tokens or size_of(bundle) + placed_bytes <= most:
            return 0
        kept = copy_of(bundle)
        self._truncate(kept, policy.target * self.ratio // 2, placed_bytes)
        return len(bundle.messages) - len(kept.messages)

    @staticmethod
    def _truncate(bundle: ContextBundle, most: int, placed_bytes: int) -> None:
        size, gone = size_of(bundle) + placed_bytes, 0
        while size > most and gone < len(bundle.messages):
            size -= byte_count(bundle.messages[gone])
            gone += 1
        del bundle.messages[:gone]
        del bundle.sources[:gone]


def _keep_last(bundle: ContextBundle, count: int) -> None:
    bundle.messages = bundle.messages[-count:]
    bundle.sources = bundle.sources[-count:]


def copy_of(bundle: ContextBundle) -> ContextBundle:
    """A bundle of its own with the same contents."""
    return ContextBundle(
        list(bundle.messages or ()), dict(bundle.memory or {}), dict(bundle.tools or {}), list(bundle.sources)
    )


def size_of(bundle: ContextBundle) -> int:
    """Bytes of UTF-8 in messages, memory and tools; keys do not count."""
    return byte_count("".join([*bundle.messages, *bundle.memory.values(), *bundle.tools.values()]))


def record(
    before: ContextBundle, after: ContextBundle, strategy: str, archive: dict[str, str]
) -> Compaction | None:
    """What was left out between the two, put into the archive; none where nothing was."""
    if before.messages == after.messages:
        return None
    hashes = keep(before, archive)
    kept = _kept_at_the_end(before.messages, after.messages)
    dropped = hashes[: len(hashes) - kept]
    return Compaction(strategy, size_of(before), size_of(after), tuple(hashes), tuple(dropped))


def keep(bundle: ContextBundle, archive: dict[str, str]) -> list[str]:
    """Put the messages of a bundle into an archive; their SHA-256."""
    hashes = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in bundle.messages]
    archive.update(zip(hashes, bundle.messages, strict=True))
    return hashes


def _kept_at_the_end(before: Sequence[str], after: Sequence[str]) -> int:
    """Messages at the end that are the same in both."""
    most = min(len(before), len(after))
    return next((n for n in range(most) if before[-1 - n] != after[-1 - n]), most)


def undo(done: Compaction, archive: Mapping[str, str]) -> list[str]:
    """The messages as they were before. Raises `InvalidInput` where the archive lacks one."""
    missing = [digest for digest in done.messages if digest not in archive]
    if missing:
        raise InvalidInput(f"the archive does not have {missing[0]}")
    return [archive[digest] for digest in done.messages]
