"""The names by which clients and models know the search on the wire. They outlive its vendor."""

from typing import Final

FIELD: Final = "lighton"
"""The field of a request's body that narrows its search, and of a reply that reports on it."""
HEADERS: Final = "X-LightOn-"
"""How the headers begin that narrow a search."""
SEARCH_COUNT: Final = f"{HEADERS}Searches"
"""The header of a reply that counts its searches."""
SEARCH_TOOL: Final = "lighton_search"
"""The name under which the model calls the search."""
READ_TOOL: Final = "lighton_read"
"""The name under which the model reads on in a document that a search found."""
