"""The clients: what each needs, which program plays it, where its lines stand in the docs.

Versions are pinned, and only ever raised on purpose: a table says what it was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["python", "node", "reused"]


@dataclass(frozen=True)
class Client:
    """One row of the table."""

    title: str
    """Of its section in docs/clients.md, whose code it runs."""
    api: Literal["chat", "responses", "embeddings"]
    kind: Kind
    needs: tuple[str, ...]
    """Requirements for pip or npm, the one whose version is shown first."""
    program: str
    environment: str = ""
    """The folder it is installed into, if it shares one with another."""
    questions: Mapping[str, str] = field(default_factory=dict)
    """What it is asked instead, by check."""
    front: tuple[str, ...] = ()
    """A server that stands between client and proxy; `{port}` is where it must listen."""

    @property
    def name(self) -> str:
        """As a folder, and as `--only` names it."""
        words = self.title.lower().replace("(", "").replace(")", "").replace(",", "")
        return "-".join(words.replace(".", "-").split())

    @property
    def folder(self) -> str:
        return self.environment or self.name

    @property
    def version(self) -> str:
        return self.needs[0]


_OPENAI = ("openai==3.57.0",)
_NODE = ("openai@6.49.0",)
_AI_SDK = ("ai@6.0.326", "@ai-sdk/openai@3.0.141", "zod@4.6.7")
_LANGCHAIN = ("langchain-openai==1.7.4",)
_AGENTS = ("openai-agents==0.24.0",)
_PYDANTIC_AI = ("pydantic-ai-slim[openai]==2.68.0",)
_LLAMAINDEX = (
    "llama-index-llms-openai==0.8.3",
    "llama-index-llms-openai-like==0.8.1",
    "llama-index-embeddings-openai-like==0.4.0",
)

CLIENTS: Final = (
    Client("openai-python", "chat", "python", _OPENAI, "openai_python.py", "openai"),
    Client(
        "openai-python 1.x",
        "chat",
        "python",
        ("openai==1.1.0", "httpx<0.28"),
        "openai_python.py",
    ),
    Client(
        "openai-python, responses",
        "responses",
        "python",
        _OPENAI,
        "openai_python_responses.py",
        "openai",
    ),
    Client("openai-node", "chat", "node", _NODE, "openai_node.mjs", "openai-node"),
    Client(
        "openai-node, responses",
        "responses",
        "node",
        _NODE,
        "openai_node_responses.mjs",
        "openai-node",
    ),
    Client("AI SDK", "responses", "node", _AI_SDK, "ai_sdk.mjs", "ai-sdk"),
    Client("AI SDK, chat", "chat", "node", _AI_SDK, "ai_sdk.mjs", "ai-sdk"),
    Client("LangChain", "chat", "python", _LANGCHAIN, "langchain.py", "langchain"),
    Client("LangChain, responses", "responses", "python", _LANGCHAIN, "langchain.py", "langchain"),
    Client("OpenAI Agents SDK", "responses", "python", _AGENTS, "openai_agents.py", "agents"),
    Client("OpenAI Agents SDK, chat", "chat", "python", _AGENTS, "openai_agents.py", "agents"),
    Client("pydantic-ai", "responses", "python", _PYDANTIC_AI, "pydantic_ai.py", "pydantic-ai"),
    Client("pydantic-ai, chat", "chat", "python", _PYDANTIC_AI, "pydantic_ai.py", "pydantic-ai"),
    Client("LlamaIndex", "chat", "python", _LLAMAINDEX, "llamaindex.py", "llamaindex"),
    Client(
        "LlamaIndex, responses", "responses", "python", _LLAMAINDEX, "llamaindex.py", "llamaindex"
    ),
    Client("instructor", "chat", "python", ("instructor==1.17.0",), "instructor.py"),
    Client(
        "LiteLLM in front",
        "chat",
        "python",
        ("litellm[proxy]==1.108.7",),
        "openai_python.py",
        front=("litellm", "--config", "snippet.yaml", "--port", "{port}"),
    ),
    Client(
        "Codex CLI",
        "responses",
        "node",
        ("@openai/codex@0.171.0",),
        "codex.py",
        questions={
            "tool": "Search paid leave days, then run exec_command: "
            '"printf Paris > done.txt; echo It is sunny in Paris."'
        },
    ),
    Client("mem0", "embeddings", "python", ("mem0ai==2.2.1", "faiss-cpu==1.15.1"), "mem0.py"),
    Client("Open WebUI", "chat", "reused", ("open-webui==0.12.4",), "open_webui.py"),
)
