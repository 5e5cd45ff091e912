"""An answer in the making: what has come so far, and whether it is all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from llm.contracts import ChatRequest, ChatResult, Usage
from llm.failures import clean

#: Bytes of UTF-8 text that are taken for one token where the server does not count.
BYTES_PER_TOKEN: Final = 4
#: The most tokens that are taken for a count: more than a server ever read, and a sum of a few stays a number
#: that every reader of JSON takes (RFC 8259, section 6).
MOST_TOKENS: Final = 10**12
#: The most characters of a server's name for its model, its answer, or why that ended.
WORD_CHARS: Final = 200

#: What servers say when an answer ends -> what we say.
_FINISH: Final = {
    "": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "refusal": "content_filter",
    "safety": "content_filter",
}


@dataclass
class Draft:
    """The parts of one answer, filled in by an adapter as they come."""

    #: takes each new piece of text
    on_text: Callable[[str], None]
    parts: list[str] = field(default_factory=list)
    #: the first half of a character beyond U+FFFF, as JSON writes it, while the other has not come
    half: str = ""
    model: str = ""
    response_id: str | None = None
    #: the server's own word for why it stopped; None until it says one
    finish: str | None = None
    #: whether the server has begun an answer at all
    begun: bool = False
    #: whether the protocol's end mark has come
    ended: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def complete(self) -> bool:
        """Whether the text is whole: the server said why it stopped, or that this was all."""
        return self.begun and (self.ended or self.finish is not None)

    def add(self, text: str) -> None:
        """Take a piece of text; half a character at its end waits for its other half."""
        text = _joined(self.half, text)
        self.half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        self._give(text.removesuffix(self.half))

    def _give(self, text: str) -> None:
        if text:
            self.parts.append(text)
            self.on_text(text)

    def name(self, document: dict[str, Any]) -> None:
        """Take the id and the model from wherever the server writes them."""
        self.response_id = _word(document.get("id")) or self.response_id
        self.model = _word(document.get("model")) or self.model

    def count(self, prompt: int | None, completion: int | None) -> None:
        """Take the server's counts; a later one replaces an earlier one."""
        self.prompt_tokens = self.prompt_tokens if prompt is None else prompt
        self.completion_tokens = self.completion_tokens if completion is None else completion

    def result(self, request: ChatRequest) -> ChatResult:
        """The answer. Only for a draft that is complete."""
        self._give(self.half)
        self.half = ""
        text = "".join(self.parts)
        word = _word(self.finish)
        return ChatResult(
            text=text,
            model=self.model or request.model,
            usage=self._usage(request, text),
            finish_reason=_FINISH.get(word.lower(), word.lower()),
            response_id=self.response_id,
        )

    def _usage(self, request: ChatRequest, text: str) -> Usage:
        if self.prompt_tokens is None or self.completion_tokens is None:
            # One half counted and one half guessed would be neither.
            return estimate_usage(request, text)
        return Usage(self.prompt_tokens, self.completion_tokens, "server")


def estimate_usage(request: ChatRequest, text: str) -> Usage:
    """Tokens of a question and its answer where nobody counted: UTF-8 bytes / 4, rounded up."""
    prompt = sum(_bytes(message.content) for message in request.messages)
    return Usage(-(-prompt // BYTES_PER_TOKEN), -(-_bytes(text) // BYTES_PER_TOKEN), "estimate")


def _joined(half: str, text: str) -> str:
    """A text behind the first half of a character, as one character where it begins with the other half."""
    if half and "\udc00" <= text[:1] <= "\udfff":
        pair = (half + text[0]).encode("utf-16-le", "surrogatepass")
        return pair.decode("utf-16-le") + text[1:]
    return half + text


def _word(value: Any) -> str:
    """A name as the server writes it, made one printable line; nothing where it is no text."""
    return clean(value, None, WORD_CHARS) if isinstance(value, str) else ""


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def whole_number(value: Any) -> int | None:
    """A count as servers write it; None for what is no count."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_TOKENS:
        return None
    return value
