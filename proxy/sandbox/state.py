"""What both stand-ins share."""

from dataclasses import dataclass

from proxy.sandbox.documents.corpus import Corpus
from proxy.sandbox.faults import Faults


@dataclass(frozen=True, slots=True)
class SandboxState:
    """`keys` None accepts any key that does not start with `bad`.

    `chunk_delay_s` is the pause before each chunk of a streamed answer.
    """

    corpus: Corpus
    faults: Faults
    keys: frozenset[str] | None = None
    chunk_delay_s: float = 0.0

    def authorised(self, authorization: str | None) -> bool:
        """Judge an `Authorization` header: a bearer token that is one of `keys`.

        Without `keys` any token will do, unless it is empty or starts with `bad`. The latter lets a
        test see the answer to a wrong key.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return False
        if self.keys is None:
            return not token.strip().startswith("bad")
        return token.strip() in self.keys
