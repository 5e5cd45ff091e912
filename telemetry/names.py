"""Every name that spans carry, in one place, since the conventions for models are still being changed.

The names of model calls are those of OpenTelemetry's GenAI conventions (github.com/open-telemetry/
semantic-conventions-genai); what these have no word for begins with ``skep.``. By the same conventions
``OTEL_SEMCONV_STABILITY_OPT_IN`` decides about older names: without ``gen_ai_latest_experimental`` in it the
older name of the provider is told beside today's, so that dashboards which know only that one go on working.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SCOPE: Final = "skep"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
OLD_PROVIDER: Final = "gen_ai.system"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_NAME: Final = "gen_ai.tool.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
EXIT_CODE: Final = "process.exit.code"
COMMAND_LINE: Final = "process.command_line"

RUN_ID: Final = "skep.run.id"
RUN_STATE: Final = "skep.run.state"
RUN_TASKS: Final = "skep.run.tasks"
TASK_ID: Final = "skep.task.id"
TASK_STATE: Final = "skep.task.state"
TASK_MODE: Final = "skep.task.mode"
ATTEMPT: Final = "skep.attempt.number"
LEASE: Final = "skep.attempt.lease"
BECAME: Final = "skep.attempt.became"
WORKER: Final = "skep.worker.id"
COST_MICROS: Final = "skep.cost.micros"
IS_SETTLED: Final = "skep.cost.settled"
CHECK: Final = "skep.check.name"
TIMED_OUT: Final = "skep.command.timed_out"

#: Operations, by the conventions.
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"
INVOKE_WORKFLOW: Final = "invoke_workflow"
#: Names of spans that the conventions have no name for.
TASK_SPAN: Final = "task"
ATTEMPT_SPAN: Final = "attempt"
#: The tool of a command that no tool of the home has made; the command itself is never a name.
COMMAND_TOOL: Final = "command"
#: The tool of a command that checks a result.
CHECK_TOOL: Final = "check"

OPT_IN: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
_LATEST: Final = "gen_ai_latest_experimental"

#: Providers by the host of their servers, as the conventions name them.
_PROVIDERS: Final = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.deepseek.com": "deepseek",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
}


def tells_old_names(environ: Mapping[str, str]) -> bool:
    """Whether older names are told beside today's."""
    return _LATEST not in {word.strip() for word in environ.get(OPT_IN, "").split(",")}


def provider_of(host: str, protocol: str) -> str:
    """The provider of a host; of one that is not known the one whose protocol it speaks."""
    if host.endswith(".openai.azure.com"):
        return "azure.ai.openai"
    return _PROVIDERS.get(host, "anthropic" if protocol == "anthropic" else "openai")
