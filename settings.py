"""Every setting, typed, with its bounds and meaning, and where the files of a home are.

Where values come from is said by `setting_sources`. Nothing here is read at import.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import ConfigDict, Field, SecretStr

from attempts import AttemptPolicy
from limits import MOST_TIMEOUT_S
from runtime_contract import ID_PATTERN, Limits

#: Name of the file that is the kill switch, beside the database.
KILL_SWITCH: Final = "KILL"

_LIMITS: Final = Limits()


class Settings(pydantic.BaseModel):
    """The settings of one home."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    # processes
    swarm_port: int = Field(
        8420, ge=0, le=65535, description="port of the execution API on 127.0.0.1; 0: a free one"
    )
    panel_port: int = Field(
        8421, ge=0, le=65535, description="port of the control panel on 127.0.0.1; 0: a free one"
    )
    workers: int = Field(1, ge=1, le=16, description="worker processes")
    concurrency: int = Field(8, ge=1, le=512, description="tasks one worker runs at once")
    swarm_threads: int = Field(64, ge=4, le=1024, description="requests the execution API serves at once")
    swarm_socket: bool = Field(
        False,
        description="whether /cycle, /cancel and /plan are answered on .swarm/cycle.sock alone",
    )
    stop_grace_s: float = Field(
        20.0, ge=0, le=3600, description="seconds that running tasks get to finish at a stop"
    )
    nice: int = Field(
        5,
        ge=0,
        le=19,
        description="how far workers, swarm and commands stand behind the panel and your other programs for "
        "the processor, as nice(1) counts it; 0: not at all",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what the daemon logs"
    )

    # models
    llm_base_url: str | None = Field(
        None, repr=False, description="address of the model server, such as https://api.openai.com/v1"
    )
    llm_api_key: SecretStr | None = Field(None, description="key for the model server")
    llm_model: str | None = Field(None, description="model used where a task names none")
    llm_protocol: Literal["auto", "openai", "anthropic"] = Field(
        "auto", description="wire protocol; auto: anthropic for api.anthropic.com, else openai"
    )
    llm_timeout_s: float = Field(600.0, gt=0, le=86400, description="seconds a model call may take")
    llm_connect_timeout_s: float = Field(10.0, gt=0, le=300, description="seconds to reach the model server")
    llm_max_tokens: int = Field(
        2048, ge=1, le=1_000_000, description="tokens of an answer where a task says none"
    )
    llm_temperature: float | None = Field(
        None, ge=0, le=2, description="temperature where a task says none; unset: the server's own"
    )
    llm_price_input: float | None = Field(
        None, ge=0, le=1e6, description="dollars per million tokens read; unset: 0 on loopback, else unknown"
    )
    llm_price_output: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="dollars per million tokens written; unset: 0 on loopback, else unknown",
    )
    llm_private_addresses: Literal["refuse", "allow"] = Field(
        "refuse", description="what to do when the name of a model server leads into a private network"
    )
    llm_proxy: str | None = Field(
        None, repr=False, description="proxy for model calls; unset: none, whatever the environment"
    )
    ollama_url: str = Field(
        "http://127.0.0.1:11434",
        repr=False,
        description="where a model is looked for when no llm_base_url is set",
    )

    # commands
    local_timeout_s: float = Field(300.0, gt=0, le=604800, description="seconds a command may run")
    output_cap_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, le=2**40, description="bytes of one attempt's output that are kept"
    )
    profiles: dict[str, dict[str, Any]] = Field(
        {}, description="programs with rights of their own, which tasks name by profile"
    )

    # the sandbox of commands
    sandbox: Literal["auto", "bubblewrap", "landlock", "off"] = Field(
        "auto",
        description="what holds commands; auto: bubblewrap, else landlock, else none run; off: nothing, and "
        "only a settings file of your own may say so",
    )
    sandbox_memory_bytes: int = Field(
        2 * 1024**3,
        ge=64 * 1024**2,
        le=2**50,
        description="bytes of memory of each process of a command, and of all together where a cgroup "
        "can be made",
    )
    sandbox_processes: int = Field(
        128, ge=8, le=1_000_000, description="processes and threads a command may have"
    )
    sandbox_open_files: int = Field(
        1024, ge=16, le=1_000_000, description="files a process of a command may have open"
    )
    sandbox_cpu_s: float | None = Field(
        None,
        gt=0,
        le=604800,
        description="seconds of CPU of each process of a command; unset: its time limit",
    )
    sandbox_file_bytes: int = Field(
        256 * 1024**2, ge=4096, le=2**50, description="bytes of a file a command writes"
    )
    sandbox_disk_bytes: int = Field(
        1024**3, ge=1024**2, le=2**50, description="bytes a command may write in all before it is ended"
    )
    sandbox_tmp_bytes: int = Field(
        64 * 1024**2, ge=1024**2, le=2**50, description="bytes of a command's own /tmp, which is in memory"
    )
    sandbox_warm: int = Field(
        8, ge=0, le=64, description="sandboxes set up ahead while commands run, at most; 0: none"
    )

    # safety
    safety_timeout_s: float = Field(
        30.0, gt=0, le=600, description="seconds of a processor a safety check may take before it blocks"
    )

    # attempts
    max_attempts: int = Field(
        3, ge=1, le=100, description="attempts of an LLM task; interruptions of any task"
    )
    max_attempts_local: int = Field(1, ge=1, le=100, description="attempts of a command")
    retry_base_s: float = Field(
        1.0, gt=0, le=3600, description="seconds before the first retry; doubles each time"
    )
    retry_cap_s: float = Field(60.0, gt=0, le=86400, description="longest wait between two retries")
    unreachable_retries: int = Field(
        10, ge=0, le=10_000, description="retries while nothing answers at the model endpoint"
    )

    # the circuit breaker
    breaker_failures: int = Field(
        20, ge=0, le=1000, description="failed tasks in a row after which nothing new is started; 0: never"
    )
    breaker_same_failures: int = Field(
        10,
        ge=0,
        le=1000,
        description="times the same failure stops new starts, with no success of its mode between; 0: never",
    )
    breaker_spend_per_minute: float | None = Field(
        None,
        ge=0,
        le=1e6,
        description="dollars within a minute over which nothing new is started; unset: any",
    )

    # planning
    plan_threshold: int = Field(
        4, ge=2, le=1000, description="score of the gut check from which a prompt is split by itself"
    )
    plan_max_subtasks: int = Field(
        16, ge=2, le=200, description="subtasks of one task; what falls into more runs as one"
    )
    plan_max_depth: int = Field(
        1, ge=0, le=5, description="how often words may be split: 0 never, 2 the subtasks once more"
    )
    plan_model: Literal["off", "intent", "split"] = Field(
        "off",
        description="what a model may say of a plan, where a task says none: nothing, more of the intent, or "
        "also the parts",
    )
    plan_review: bool = Field(
        False, description="whether a person sees each plan before its subtasks are entered"
    )
    plan_unreviewed: Literal["proposal", "words"] = Field(
        "proposal",
        description="the parts that are used where no person sees the plan: a model's, or those of the words",
    )
    plan_answer_chars: int = Field(
        60_000, ge=100, le=400_000, description="characters of answers that a prompt is given to build on"
    )

    # review
    review_critic: bool = Field(
        False,
        description="whether a model judges the answers of models, where a task says review: auto",
    )
    review_critic_model: str | None = Field(
        None, description="model that judges; unset, or where it is the author: the one in use"
    )
    review_critic_confidence: float = Field(
        0.7, ge=0, le=1, description="how sure a model must be to approve; below that a person is asked"
    )
    review_critic_max_tokens: int = Field(
        2048, ge=64, le=100_000, description="tokens a model that judges may answer with"
    )
    review_critic_chars: int = Field(
        100_000,
        ge=1000,
        le=1_000_000,
        description="characters of a result that a model is shown; longer: a person",
    )
    run_cache_age_s: float = Field(
        604_800.0,
        ge=0,
        le=31_622_400,
        description="age, in seconds, up to which the approved answer of a run's task is taken again, "
        "where the run asks for that",
    )
    review_sample: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="of so many results that critics approve, one goes to you; 0: none",
    )
    decision_deadline_s: float = Field(
        0.0,
        ge=0.0,
        le=31_536_000.0,
        description="seconds a question waits for you; then its task fails, or it is overdue; 0: for ever",
    )
    quality_gates_shown: int = Field(
        200,
        ge=0,
        le=10_000,
        description="newest results that quality_gate_queue.json shows; 0: it is not written",
    )
    checkpoints: bool = Field(
        True, description="whether the files of the workspace are kept after a task that may change them"
    )
    checkpoint_files: int = Field(
        200_000, ge=1, le=10_000_000, description="files a workspace may have for a checkpoint to be made"
    )
    checkpoint_file_bytes: int = Field(
        16 * 1024**2, ge=0, le=2**40, description="bytes of a file that is kept; a longer one is left out"
    )
    checkpoint_bytes: int = Field(
        256 * 1024**2, ge=0, le=2**40, description="bytes that may have changed for a checkpoint to be made"
    )

    # identities and rewards
    default_identity: str | None = Field(
        None, description="the identity of tasks that name none; unset: they run as nobody"
    )
    journal_cost: int = Field(10, ge=0, le=1_000_000, description="tokens that an entry of a journal costs")
    free_time: bool = Field(
        False, description="whether identities buy tasks of their own with tokens while nothing is to do"
    )
    free_time_cost: int = Field(20, ge=1, le=1_000_000, description="tokens that a task of free time costs")
    free_time_per_day: int = Field(
        4, ge=0, le=1000, description="tasks of free time in a local calendar day, of all identities together"
    )
    free_time_budget_usd: float = Field(
        0.05, ge=0, le=10_000, description="dollars that a task of free time may cost"
    )
    reward_ledger_shown: int = Field(
        1000, ge=0, le=100_000, description="newest rows shown in .swarm/phase5_reward_ledger.json"
    )

    # tools
    tool_run_confidence: float = Field(
        0.9, ge=0.5, le=1, description="how sure it must be that a tool is meant before its command answers"
    )
    tool_context_tokens: int = Field(
        2000, ge=0, le=100_000, description="tokens of a tool's text that go in front of a prompt, at most"
    )

    # leases
    lease_s: float = Field(30.0, ge=2, le=3600, description="seconds a lease lasts without a heartbeat")
    heartbeat_s: float = Field(5.0, gt=0, le=600, description="seconds between heartbeats")

    # concurrency limits
    tag_limits: dict[str, int] = Field({}, description="tasks with a tag that may run at once, by tag")
    model_limits: dict[str, int] = Field(
        {}, description="tasks of a model that may run at once, by model; one without counts for the default"
    )

    # budgets and rates
    budget_day_usd: float | None = Field(
        None, ge=0, le=1e9, description="dollars that model calls may cost in a local calendar day"
    )
    budget_total_usd: float | None = Field(
        None, ge=0, le=1e9, description="dollars that model calls of this home may cost in all"
    )
    budget_run_usd: float | None = Field(
        None, ge=0, le=1e9, description="dollars that the tasks of one run_id may cost together"
    )
    budget_model_usd: dict[str, float] = Field(
        {}, description="dollars that a model may cost in a local calendar day, by model"
    )
    rate_requests: dict[str, int] = Field(
        {}, description="calls to a model that may begin in a minute, by model; * for every other"
    )
    rate_tokens: dict[str, int] = Field(
        {}, description="tokens to and from a model in a minute, by model; * for every other"
    )

    # the queue file and the log
    queue_poll_s: float = Field(1.0, gt=0, le=60, description="seconds between looks at the queue file")
    project_quiet_s: float = Field(
        0.25, ge=0, le=60, description="seconds of quiet before the file is written"
    )
    project_interval_s: float = Field(1.0, ge=0.05, le=3600, description="least seconds between two writings")
    queue_shown_ended: int = Field(
        1000, ge=0, le=1_000_000, description="newest ended tasks shown in the file"
    )
    removal_ask_count: int = Field(10, ge=0, description="missing tasks that are cancelled without asking")
    removal_ask_share: float = Field(0.2, ge=0, le=1, description="the same as a share of the shown tasks")
    log_rotate_bytes: int = Field(
        64 * 1024 * 1024, ge=4096, le=2**40, description="size at which execution_log.jsonl is rotated"
    )
    audit_rotate_bytes: int = Field(
        64 * 1024 * 1024, ge=4096, le=2**40, description="size at which .swarm/audit.jsonl is rotated"
    )
    audit_checkpoint_file: str | None = Field(
        None, description="file that checkpoints of the audit are added to, best out of reach of this user"
    )
    missing_dependency_warn_s: float = Field(
        60.0, ge=0, le=86400, description="seconds before a dependency that does not exist is warned of"
    )
    backup_interval_s: float = Field(
        3600.0, ge=1, le=31_536_000, description="seconds between two copies of the database"
    )
    disk_free_bytes: int = Field(
        32 * 1024 * 1024, ge=0, le=2**50, description="free bytes below which nothing new is started"
    )

    # traces
    traces: Literal["file", "off"] = Field(
        "file", description="whether spans of runs, tasks, model calls and commands go to .swarm/traces"
    )
    trace_file_bytes: int = Field(
        8 * 1024 * 1024, ge=4096, le=2**40, description="size at which .swarm/traces/spans.jsonl is put aside"
    )
    otel_endpoint: str | None = Field(
        None,
        repr=False,
        description="where spans are sent by OTLP as well, such as http://127.0.0.1:4318; needs skep[otel]",
    )
    otel_prompts: bool = Field(
        False, description="whether spans hold prompts, answers and commands; else they hold no text"
    )

    # bounds of the contract
    limit_file_bytes: int = Field(_LIMITS.file_bytes, ge=1024, description="bytes of a queue or inbox file")
    limit_depth: int = Field(_LIMITS.depth, ge=4, le=500, description="levels of nesting")
    limit_prompt_chars: int = Field(_LIMITS.prompt_chars, ge=1, description="characters of a prompt")
    limit_command_chars: int = Field(_LIMITS.command_chars, ge=1, description="characters of a command")
    limit_argv_items: int = Field(_LIMITS.argv_items, ge=1, description="arguments of a command")
    limit_depends_on_items: int = Field(_LIMITS.depends_on_items, ge=0, description="dependencies of a task")
    limit_tags_items: int = Field(_LIMITS.tags_items, ge=0, description="tags of a task")
    limit_name_chars: int = Field(_LIMITS.name_chars, ge=1, description="characters of a tag or name")
    limit_extra_keys: int = Field(_LIMITS.extra_keys, ge=0, description="unknown keys of a task")
    limit_extra_bytes: int = Field(
        _LIMITS.extra_bytes, ge=2, description="bytes of unknown keys and of expect"
    )
    limit_priority: int = Field(
        _LIMITS.priority, ge=0, description="largest priority, and smallest below zero"
    )
    limit_max_tokens: int = Field(_LIMITS.max_tokens, ge=1, description="tokens a task may ask for")
    limit_timeout_s: int = Field(
        _LIMITS.timeout_s, ge=1, le=MOST_TIMEOUT_S, description="seconds a task may ask for"
    )
    limit_max_attempts: int = Field(_LIMITS.max_attempts, ge=1, description="attempts a task may ask for")
    limit_budget_usd: int = Field(_LIMITS.budget_usd, ge=0, description="dollars a task may ask for")
    limit_reward: int = Field(_LIMITS.reward, ge=0, description="tokens a task may name in `reward`")

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _is_no_bool(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        values = value.values() if isinstance(value, dict) else [value]
        takes_bool = cls.model_fields[info.field_name or ""].annotation is bool
        if not takes_bool and any(isinstance(each, bool) for each in values):
            raise ValueError("must not be true or false")
        return value

    @pydantic.field_validator("llm_base_url", "ollama_url", "llm_proxy")
    @classmethod
    def _is_http_address(cls, value: str | None) -> str | None:
        if value is not None and not _is_http(value):
            raise ValueError("must be an http:// or https:// address")
        return value

    @pydantic.field_validator("default_identity")
    @classmethod
    def _is_id(cls, value: str | None) -> str | None:
        if value is not None and not ID_PATTERN.fullmatch(value):
            raise ValueError(f"must match {ID_PATTERN.pattern}")
        return value

    @pydantic.field_validator("budget_model_usd")
    @classmethod
    def _is_money(cls, value: dict[str, float]) -> dict[str, float]:
        if any(not 0 <= dollars <= 1e9 for dollars in value.values()):
            raise ValueError("every budget must be from 0 to 1,000,000,000 dollars")
        return value

    @pydantic.field_validator("rate_requests", "rate_tokens")
    @classmethod
    def _is_rate(cls, value: dict[str, int]) -> dict[str, int]:
        if any(not 1 <= rate <= 1e9 for rate in value.values()):
            raise ValueError("every rate must be from 1 to 1,000,000,000 a minute")
        return value

    @pydantic.field_validator("tag_limits", "model_limits")
    @classmethod
    def _is_positive(cls, value: dict[str, int]) -> dict[str, int]:
        if any(limit < 1 for limit in value.values()):
            raise ValueError("every limit must be at least 1")
        if any("|" in name for name in value):
            raise ValueError("must not have a | in a name, which separates the limits of a task")
        return value

    @property
    def limits(self) -> Limits:
        """The bounds of the contract."""
        return Limits(**{name: getattr(self, f"limit_{name}") for name in Limits.__slots__})

    @property
    def attempt_policy(self) -> AttemptPolicy:
        """How often and how soon a task is tried again."""
        return AttemptPolicy(**{name: getattr(self, name) for name in AttemptPolicy.__slots__})


class Home:
    """The directories and files of one home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / ".swarm"
        self.database = self.state / "state.db"
        self.outputs = self.state / "outputs"
        self.token = self.state / "execution_token"
        self.leader_lock = self.state / "leader.lock"
        self.daemon_lock = self.state / "daemon.lock"
        self.kill_switch = self.state / KILL_SWITCH
        self.queue_file = root / "queue.json"
        self.log_file = root / "execution_log.jsonl"
        self.cycle_socket = self.state / "cycle.sock"
        self.audit_file = self.state / "audit.jsonl"
        self.audit_key = self.state / "audit.key"
        self.inbox = root / "inbox"
        self.workspace = root / "workspace"
        self.quality_file = root / "quality_gate_queue.json"
        self.identities = self.state / "identities"
        self.reward_ledger = self.state / "phase5_reward_ledger.json"
        self.models_file = root / "config" / "models.toml"
        self.policies_file = root / "config" / "policies.toml"
        self.workflows = root / "workflows"
        self.checkpoints = self.state / "checkpoints.git"
        self.conflicts = root / "conflicts"
        self.traces = self.state / "traces"


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # such as half a bracket of an IPv6 address
        return False
