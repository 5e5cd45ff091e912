"""The bodies of the scripted model server: OpenAI chat completions, Anthropic messages, Ollama's list."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any, Final

from testing.model_script import ModelRequest, Reply

_NUMBERS: Final = itertools.count(1)
#: Pieces of a text as a model streams them: words with the space before them.
_PIECES: Final = re.compile(r"\s*\S+|\s+")
_ANTHROPIC_REASONS: Final = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def is_anthropic(request: ModelRequest) -> bool:
    """Whether the request speaks the messages API."""
    return request.path.endswith("/messages")


def words(text: str) -> int:
    """The tokens the server counts: words."""
    return len(text.split())


def document(request: ModelRequest, reply: Reply) -> Any:
    """The answer in one piece."""
    model = _model(request)
    if is_anthropic(request):
        return {
            "id": f"msg_{next(_NUMBERS)}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": reply.text}],
            "stop_reason": _anthropic_reason(reply),
            "usage": {"input_tokens": words(request.prompt), "output_tokens": words(reply.text)},
        }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": reply.text},
        "finish_reason": reply.finish_reason,
    }
    usage = {"usage": _openai_usage(request, reply)} if reply.usage else {}
    return {
        "id": f"chatcmpl-{next(_NUMBERS)}",
        "object": "chat.completion",
        "model": model,
        "choices": [choice],
        **usage,
    }


def stream(request: ModelRequest, reply: Reply) -> list[bytes]:
    """The answer in pieces, each one or more events."""
    return _anthropic_stream(request, reply) if is_anthropic(request) else _openai_stream(request, reply)


def error(request: ModelRequest, reply: Reply) -> Any:
    """An error body as the provider writes it."""
    kind = {429: "rate_limit_error", 529: "overloaded_error", 500: "api_error"}.get(
        reply.status, "invalid_request_error"
    )
    inner = {"type": kind, "message": reply.text}
    return {"type": "error", "error": inner} if is_anthropic(request) else {"error": inner}


def model_list(names: list[str]) -> Any:
    """`/v1/models`."""
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}


def tag_list(names: list[str]) -> Any:
    """Ollama's `/api/tags`."""
    return {"models": [{"name": name, "model": name} for name in names]}


def _openai_stream(request: ModelRequest, reply: Reply) -> list[bytes]:
    head = {"id": f"chatcmpl-{next(_NUMBERS)}", "object": "chat.completion.chunk", "model": _model(request)}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    pieces = [chunk({"content": piece}) for piece in _PIECES.findall(reply.text)]
    pieces.insert(0, chunk({"role": "assistant", "content": ""}))
    if reply.stream_error is not None:
        return [*pieces, b"event: error\n" + _event(reply.stream_error)]
    if reply.finish_reason is not None:
        pieces.append(chunk({}, reply.finish_reason))
    if reply.usage and (request.body.get("stream_options") or {}).get("include_usage"):
        pieces.append(_event({**head, "choices": [], "usage": _openai_usage(request, reply)}))
    if reply.done:
        pieces.append(b"data: [DONE]\n\n")
    return pieces


def _anthropic_stream(request: ModelRequest, reply: Reply) -> list[bytes]:
    message = {**document(request, reply), "content": [], "stop_reason": None}
    message["usage"] = {"input_tokens": words(request.prompt), "output_tokens": 1}
    if not reply.usage:
        del message["usage"]
    block = {"type": "text", "text": ""}
    pieces = [
        _typed("message_start", message=message)
        + _typed("content_block_start", index=0, content_block=block),
        _typed("ping"),
    ]
    pieces += [
        _typed("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        for piece in _PIECES.findall(reply.text)
    ]
    if reply.stream_error is not None:
        return [*pieces, b"event: error\n" + _event(reply.stream_error)]
    pieces.append(_typed("content_block_stop", index=0))
    if reply.finish_reason is not None:
        usage = {"usage": {"output_tokens": words(reply.text)}} if reply.usage else {}
        delta = {"stop_reason": _anthropic_reason(reply)}
        pieces.append(_typed("message_delta", delta=delta, **usage))
    if reply.done:
        pieces.append(_typed("message_stop"))
    return pieces


def _typed(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\n".encode() + _event({"type": kind, **fields})


def _event(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _openai_usage(request: ModelRequest, reply: Reply) -> dict[str, int]:
    read, written = words(request.prompt), words(reply.text)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _anthropic_reason(reply: Reply) -> str | None:
    reason = reply.finish_reason
    return None if reason is None else _ANTHROPIC_REASONS.get(reason, reason)


def _model(request: ModelRequest) -> str:
    return str((request.body or {}).get("model", "")) if isinstance(request.body, dict) else ""
