"""Chat completions: an API of answers, see `proxy.surfaces.api`."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from proxy.access.clients import Client
from proxy.core.chat import Chat
from proxy.core.chat_events import ChatEvents
from proxy.core.effort import Effort
from proxy.core.fold import Fold
from proxy.core.frames import TextChunk
from proxy.core.hidden import HiddenTool
from proxy.core.inflight import Hold
from proxy.core.old_functions import parse_any_chat
from proxy.core.old_replies import old_chunk, old_completion
from proxy.core.plan import Plan, Policy
from proxy.core.sse import DONE
from proxy.core.wire import Chunk, Completion
from proxy.core.wish import Wishes
from proxy.core.writer import CompletionWriter
from proxy.errors import ProxyError


@dataclass(frozen=True, slots=True)
class ChatApi:
    """POST /v1/chat/completions."""

    wishes: Wishes

    async def read(
        self,
        document: object,
        client: Client,  # noqa: ARG002  # the protocol: chats bring their history along
        hidden: AbstractSet[str],
        held: Hold,  # noqa: ARG002  # as above
    ) -> ChatAsked:
        chat = parse_any_chat(document, self.wishes, hidden)
        return OldChatAsked(chat) if chat.has_functions else ChatAsked(chat)


@dataclass(frozen=True, slots=True)
class ChatAsked:
    """A chat request."""

    chat: Chat

    def tools(
        self,
        tools: tuple[HiddenTool, ...],
        policy: Policy,  # noqa: ARG002  # the protocol
        effort: Effort,  # noqa: ARG002  # as above
    ) -> tuple[HiddenTool, ...]:
        return tools

    def events(self, plan: Plan) -> ChatStream:
        return ChatStream(_writer(plan))

    def reply(self, plan: Plan) -> ChatReply:
        return ChatReply(_writer(plan))


class OldChatAsked(ChatAsked):
    """A chat request of a client that knows functions instead of tools."""

    def events(self, plan: Plan) -> ChatStream:
        return OldChatStream(_writer(plan))

    def reply(self, plan: Plan) -> ChatReply:
        return OldChatReply(_writer(plan))


class ChatStream(ChatEvents):
    """Tells a completion as events."""

    async def finish(self) -> bytes:
        return DONE

    async def fail(self, error: ProxyError) -> bytes:
        return self.of_failure(error)


class ChatReply(Fold):
    """Folds the chunks of a completion."""

    def __init__(self, writer: CompletionWriter) -> None:
        super().__init__()
        self.writer = writer

    async def finish(self) -> Completion:
        return self.completion()


class OldChatStream(ChatStream):
    """Tells a call as that of a function."""

    def of_chunks(self, chunks: Sequence[Chunk | TextChunk]) -> bytes:
        return super().of_chunks(list(map(old_chunk, chunks)))


class OldChatReply(ChatReply):
    """The same, in a whole reply."""

    async def finish(self) -> Completion:
        return old_completion(await super().finish())


def _writer(plan: Plan) -> CompletionWriter:
    return CompletionWriter(
        id=f"chatcmpl-{os.urandom(16).hex()}",
        created=int(time.time()),
        model=plan.policy.model,
        include_usage=plan.chat.include_usage or not plan.chat.stream,
    )
