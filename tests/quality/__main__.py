"""`make quality`: how good the answers are with a real model. Documents and model stay here."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import click
import httpx

from tests.quality import servers
from tests.quality.measure import Asker, measure
from tests.quality.questions import KINDS, Conversation, load
from tests.quality.rows import Row, append, judged, read
from tests.quality.table import MODES, by_kind, by_language

_FOLDER: Final = Path("build/quality")
_SHOWN: Final = 100
_THREADS: Final = 1


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--tag", default="now", help="Names the files of this run.  [now]")
@click.option("--model-url", help="An OpenAI-compatible server, with /v1.  [a small local model]")
@click.option("--model-key", default="any", envvar="MODEL_KEY", help="A key for it ($MODEL_KEY).")
@click.option("--model", help="Its model.  [the first that it lists]")
@click.option("--threads", default=_THREADS, help="Of the local model.  [1]")
@click.option("--command", help="Runs the proxy to measure.  [that of this folder]")
@click.option("--mode", type=click.Choice(MODES), multiple=True, help="May be repeated.")
@click.option("--kind", type=click.Choice(KINDS), multiple=True, help="Conversations with such.")
@click.option("--set", "settings", nargs=2, multiple=True, help="A setting's variable and value.")
@click.option("--goes-on", is_flag=True, help="Keep what a run of this tag has; ask the rest.")
@click.option("--show", is_flag=True, help="Ask nothing: judge what a run of this tag has.")
def main(  # noqa: PLR0913  # one for each option
    *,
    tag: str,
    model_url: str | None,
    model_key: str,
    model: str | None,
    threads: int,
    command: str | None,
    mode: Sequence[str],
    kind: Sequence[str],
    settings: Sequence[tuple[str, str]],
    goes_on: bool,
    show: bool,
) -> None:
    """Ask questions about the documents of an invented company, and count right, cited answers.

    Each answer is kept in build/quality/TAG.jsonl, and the tables in TAG.md. The local model is
    1.1 GB, which is fetched once.
    """
    folder = _FOLDER.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{tag}.jsonl"
    if not show:
        if not goes_on:
            kept.write_text("")
        run = shlex.split(command) if command else servers.this_tree()
        with ExitStack() as stack:
            there = servers.Model(model_url, model_key) if model_url else None
            behind = there or stack.enter_context(servers.local_model(folder, threads))
            url = stack.enter_context(servers.proxy(run, behind, folder, dict(settings)))
            asker = stack.enter_context(_asking(url, model or behind.first()))
            _ask(asker, _chosen(load(), kind), mode or MODES, kept)
    _tell(kept)


@contextmanager
def _asking(url: str, model: str) -> Iterator[Asker]:
    with httpx.Client(trust_env=False) as client:
        yield Asker(client, url, model)


def _chosen(
    conversations: Sequence[Conversation], kinds: Sequence[str]
) -> tuple[Conversation, ...]:
    return tuple(
        each
        for each in conversations
        if not kinds or any(turn.kind in kinds for turn in each.turns)
    )


def _ask(
    asker: Asker, conversations: Sequence[Conversation], modes: Sequence[str], kept: Path
) -> None:
    done = {(row.mode, row.ask) for row in read(kept)}
    for row in measure(asker, conversations, modes, done):
        append(kept, row)
        click.echo(_line(row))


def _line(row: Row) -> str:
    said = row.reply.error or " ".join(row.reply.text.split())
    return f"{row.mode:8}{row.seconds:6.1f} s  {row.ask[:40]:40}  {said[:_SHOWN]}"


def _tell(kept: Path) -> None:
    """Print the tables, and keep them beside the answers."""
    rows = read(kept)
    answers = judged(rows, load())
    failed = sum(bool(row.reply.error) for row in rows)
    tables = [by_kind(answers), by_language(answers)]
    if failed:
        tables.append(f"{failed} of {len(rows)} requests failed.\n")
    text = "\n".join(tables)
    kept.with_suffix(".md").write_text(text)
    click.echo(f"\n{text}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers end as well
    main()
