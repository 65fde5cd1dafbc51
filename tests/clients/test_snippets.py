"""The lines in the docs: every client has its own, and the programs run them."""

from __future__ import annotations

import pytest

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.snippets import DOCS, PROXY, files

PAGE = """## Clients

### One

Text.

```python
client = "http://127.0.0.1:8000/v1"
```

### Twice

```python
client = 1
```

And:

```python
other = 2
```

### Two

```js
const client = 1;
const model = 2;
```

```toml
model = "m"
```

### None

```text
Nothing to run.
```

## More

```python
other = 1
```
"""


def test_the_code_of_a_section_is_found_by_its_language() -> None:
    assert files("One", PAGE) == {"snippet.py": 'client = "http://127.0.0.1:8000/v1"\n'}


def test_two_blocks_of_one_language_are_one_file() -> None:
    assert files("Twice", PAGE) == {"snippet.py": "client = 1\n\nother = 2\n"}


def test_what_node_declares_is_exported() -> None:
    found = files("Two", PAGE)
    assert found["snippet.mjs"].endswith("\nexport { client, model };\n")
    assert found["snippet.toml"] == 'model = "m"\n'


@pytest.mark.parametrize("title", ["None", "Three"])
def test_a_client_without_lines_is_an_error(title: str) -> None:
    with pytest.raises(KeyError, match=title):
        files(title, PAGE)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_every_client_has_lines_with_the_address_of_the_proxy(client: Client) -> None:
    lines = files(client.title, DOCS.read_text(encoding="utf-8"))
    assert f"{PROXY}/v1" in "".join(lines.values())
