"""Write the schemas that the proxy serves: `python -m proxy.schemas`, as `make schema` does."""

from __future__ import annotations

from proxy.schemas.files import write_all

if __name__ == "__main__":
    write_all()
