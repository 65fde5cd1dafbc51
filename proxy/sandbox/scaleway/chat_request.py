"""The body of a chat request as the Scaleway stand-in reads it: pydantic models, as vLLM has them.

The models keep unknown fields and ignore them. A body that does not fit raises
`pydantic.ValidationError`, and the caller answers with the list of errors inside it.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Schema = dict[str, Any]
"""A JSON schema."""


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class Part(_Wire):
    type: str
    text: str | None = None


class Function(_Wire):
    name: str
    arguments: str | None = None


class ToolCall(_Wire):
    id: str
    type: Literal["function"] = "function"
    function: Function


class Message(_Wire):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | tuple[Part, ...] | None = None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    """Another name for the same."""

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.text)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return self.tool_calls or ()

    @property
    def is_system(self) -> bool:
        return self.role in ("system", "developer")


class FunctionDefinition(_Wire):
    name: str = Field(min_length=1)
    description: str | None = None
    parameters: Schema | None = None


class Tool(_Wire):
    type: Literal["function"] = "function"
    function: FunctionDefinition

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def schema_of_arguments(self) -> Schema:
        return self.function.parameters or {}


class FunctionName(_Wire):
    name: str


class NamedTool(_Wire):
    type: Literal["function"]
    function: FunctionName


class StreamOptions(_Wire):
    include_usage: bool = False


class JsonSchema(_Wire):
    name: str
    schema_: Schema | None = Field(None, alias="schema")


class ResponseFormat(_Wire):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatRequest(_Wire):
    model: str
    messages: tuple[Message, ...] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    stop: str | tuple[str, ...] | None = None
    seed: int | None = None
    logprobs: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None

    @property
    def token_budget(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage
