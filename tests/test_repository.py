"""What the repository's host and contributors' tools read."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120.0
FORMS = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").iterdir() if path.stem != "config"]


def read(path: Path | str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


@pytest.fixture(name="workflow")
def _workflow() -> Any:
    return read(".github/workflows/ci.yml")


def test_every_supported_python_runs_the_one_script(workflow: Any) -> None:
    (job,) = workflow["jobs"].values()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = re.findall(r":: (3\.\d+)", " ".join(project["classifiers"]))

    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert job["strategy"]["matrix"] == {"python": supported}
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_the_workflow_may_only_read(workflow: Any) -> None:
    (job,) = workflow["jobs"].values()

    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in job
    assert "pull_request_target" not in str(workflow)


def test_actions_are_pinned_to_a_major_version(workflow: Any) -> None:
    (job,) = workflow["jobs"].values()
    used = [step["uses"] for step in job["steps"] if "uses" in step]

    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[\w-]+@v\d+", each)] == []


def test_hooks_are_valid_and_come_from_the_projects_own_environment() -> None:
    file = ".pre-commit-config.yaml"
    command = [sys.executable, "-m", "pre_commit", "validate-config", file]
    subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE_S)  # noqa: S603 - pre-commit
    targets = re.findall(r"^(\w+):.* ## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    (repository,) = read(file)["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].removeprefix("make ") in targets


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_the_host_demands(path: Path) -> None:
    form = read(path)
    fields = [field for field in form["body"] if field["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert {field["type"] for field in fields} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


def test_a_report_of_a_fault_has_the_log_line_and_the_request_id() -> None:
    fields = {field.get("id"): field for field in read(".github/ISSUE_TEMPLATE/bug.yml")["body"]}

    assert fields["log-line"]["validations"]["required"]
    assert fields["request-id"]["validations"]["required"]
    assert fields["request-id"]["attributes"]["label"] == "Request id"
