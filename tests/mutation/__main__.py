"""`make mutation`: break parts of the code on purpose, and see whether a test fails.

mutmut breaks one function at a time and runs the tests that call it. It works in a copy of the
checkout below `build/mutation`, so nothing that is broken can stay.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

_ROOT: Final = Path(__file__).parents[2]
_BUILD: Final = _ROOT / "build" / "mutation"
_COPIED: Final = ("proxy", "tests", "bench", "docs", "README.md", "CHANGELOG.md", "pyproject.toml")
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", ".*", "node_modules")
_NOT_COUNTED: Final = "not cost and not costs and not grows and not walk"
"""Without the tests that count calls: mutmut's own would count."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is broken, and the tests that should see it."""

    files: Sequence[str]
    tests: Sequence[str]


PARTS: Final[Mapping[str, Part]] = {
    "scope": Part(
        ("proxy/core/scope.py",),
        ("tests/core/test_scope.py", "tests/upstreams/lighton/test_scope.py"),
    ),
    "access": Part(("proxy/access/*",), ("tests/access", "tests/test_narrowing.py")),
    "desk": Part(
        ("proxy/core/desk.py",),
        ("tests/core/test_desk.py", "tests/core/test_rounds.py", "tests/core/test_loop.py"),
    ),
    "reader": Part(
        ("proxy/core/reader.py",), ("tests/core/test_reader.py", "tests/core/test_loop.py")
    ),
    "loop": Part(("proxy/core/loop.py",), ("tests/core/test_loop.py", "tests/core/test_rounds.py")),
}


@click.command()
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="May be repeated.")
@click.option("--seconds", type=click.FloatRange(1), default=3_600, help="For each part.")
@click.option("--processes", type=click.IntRange(1), default=1, help="Mutants tried at once.")
@click.option("--show/--no-show", default=True, help="Show what each survivor changes.")
def main(*, only: tuple[str, ...], seconds: float, processes: int, show: bool) -> None:
    """Try mutants of loop, desk, reader, scope and access. A survivor is no failure."""
    for name in only or tuple(PARTS):
        began = time.monotonic()
        folder = _copy(name, PARTS[name])
        is_whole = _run(folder, seconds, processes)
        states = read_results(_said(folder, "results", "--all", "true"))
        took = time.monotonic() - began
        end = "" if is_whole else ", and the time was up"
        click.echo(f"{name:8} {summary(states)} ({took:.0f} s{end})")
        for mutant, state in states.items():
            if state not in {"killed", "not checked"}:
                click.echo(f"  {state}: {mutant}")
                if show and state == "survived":
                    click.echo(changed_lines(_said(folder, "show", mutant)))


def read_results(said: str) -> dict[str, str]:
    """What became of each mutant, from `mutmut results`."""
    pairs = (line.strip().partition(": ") for line in said.splitlines())
    return {name: state for name, _, state in pairs if "__mutmut_" in name}


def summary(states: Mapping[str, str]) -> str:
    count = Counter(states.values())
    told = [f"{count[each]} {each}" for each in ("killed", "survived", "timeout")]
    told += [
        f"{count[each]} {each}" for each in sorted({*count} - {"killed", "survived", "timeout"})
    ]
    return f"{len(states)} mutants: {', '.join(told)}"


def changed_lines(diff: str) -> str:
    """The lines of a diff that change something."""
    lines = [line for line in diff.splitlines() if line[:1] in {"-", "+"}]
    return "\n".join(f"    {line}" for line in lines if line[:3] not in {"---", "+++"})


def config_of(part: Part) -> str:
    """What mutmut is told, in TOML."""
    values = {
        "source_paths": ["proxy"],
        "only_mutate": list(part.files),
        "also_copy": ["bench", "docs", "README.md", "CHANGELOG.md"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-k", _NOT_COUNTED],
        "pytest_add_cli_args_test_selection": list(part.tests),
        "timeout_multiplier": 4,
        "timeout_constant": 2,
        "use_git_change_detection": "false",
        "track_dependencies": "false",
    }
    lines = (
        f"{name} = {value}" if isinstance(value, str) else f"{name} = {value!r}"
        for name, value in values.items()
    )
    return "\n".join(["", "[tool.mutmut]", *lines, ""])


def _copy(name: str, part: Part) -> Path:
    folder = _BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for each in _COPIED:
        if (_ROOT / each).is_dir():
            shutil.copytree(_ROOT / each, folder / each, ignore=_LEFT_OUT)
        else:
            shutil.copy(_ROOT / each, folder / each)
    with (folder / "pyproject.toml").open("a") as file:
        file.write(config_of(part))
    return folder


def _run(folder: Path, seconds: float, processes: int) -> bool:
    """Try all mutants; whether there was time for them."""
    command = [*_MUTMUT, "run", "--max-children", str(processes)]
    with (folder / "log").open("w") as log:
        try:
            subprocess.run(command, cwd=folder, stdout=log, stderr=log, timeout=seconds, check=True)  # noqa: S603 - mutmut
        except subprocess.TimeoutExpired:
            return False
        except subprocess.CalledProcessError:
            raise click.ClickException(f"mutmut failed: see {folder / 'log'}") from None
    return True


def _said(folder: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - mutmut
        [*_MUTMUT, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_TELLING_S,
        check=True,
    )
    return done.stdout


_TELLING_S: Final = 300
"""How long mutmut may take to say what it has found, in seconds."""
_MUTMUT: Final = (sys.executable, "-m", "mutmut")

if __name__ == "__main__":
    main()
