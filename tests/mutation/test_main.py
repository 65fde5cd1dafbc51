"""What the command makes of mutmut's words."""

import tomllib

import pytest

from tests.mutation.__main__ import PARTS, changed_lines, config_of, read_results, summary

SAID = """
    proxy.core.desk.x__cause__mutmut_1: killed
    proxy.core.desk.x__cause__mutmut_2: survived
    proxy.core.desk.x__only__mutmut_1: timeout
    proxy.core.desk.x__only__mutmut_2: not checked
"""


def test_what_became_of_mutants_is_counted() -> None:
    states = read_results(f"To see more, run: mutmut browse\n{SAID}")
    assert states["proxy.core.desk.x__cause__mutmut_2"] == "survived"
    assert summary(states) == "4 mutants: 1 killed, 1 survived, 1 timeout, 1 not checked"


def test_only_lines_that_change_are_shown() -> None:
    diff = "--- a.py\n+++ a.py\n@@ -1 +1 @@\n def a():\n-    return 1\n+    return 2\n"
    assert changed_lines(diff) == "    -    return 1\n    +    return 2"


@pytest.mark.parametrize("name", PARTS)
def test_mutmut_is_told_in_toml_what_to_break(name: str) -> None:
    config = tomllib.loads(config_of(PARTS[name]))["tool"]["mutmut"]
    assert config["only_mutate"] == list(PARTS[name].files)
    assert config["pytest_add_cli_args_test_selection"] == list(PARTS[name].tests)
    assert config["track_dependencies"] is False
