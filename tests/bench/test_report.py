"""The report: what is printed and what is kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import metrics
from bench.gateways import DIRECT, LOOP
from bench.report import CHART, PAIRS, RESULTS, Report
from bench.results import Results, Void
from bench.servers import upstream_launch
from bench.site import OF_HTTPS, Gateway, asking_https, over_https
from bench.subjects import Subject

PEER = Subject("TensorZero", "TensorZero")
GONE = Subject("gone", "gone")


@pytest.fixture
def report() -> Report:
    results = Results(absent={GONE.name: "not installed"}, others=[0.01, 0.5, 0.02])
    for subject, value in ((PEER, 20e-6), (LOOP, 18e-6)):
        results.add(metrics.cpu_chunk(metrics.level(64)), subject.name, value)
    results.void.append(Void("answers 1", PEER, "text: it differs"))
    there = {
        name: Gateway(name, lambda: "", lambda: "1.2.3", lambda _: upstream_launch())
        for name in (PEER.gateway, LOOP.gateway)
    }
    gone = Gateway("gone", lambda: "not installed", lambda: "9.9", lambda _: upstream_launch())
    return Report(results, (DIRECT, PEER, GONE, LOOP), {**there, "gone": gone}, PAIRS)


def test_the_summary_has_table_verdicts_and_what_is_void(report: Report) -> None:
    summary = report.summary()
    assert summary.startswith("| ")
    assert "| gone | not measured: not installed |" in summary
    assert "\nreached: CPU per streamed chunk" in summary
    assert "\nVOID: answers 1, TensorZero: text: it differs" in summary
    assert "Other programs used 2% of a core in the median run, 50% at most." in summary


def test_the_document_has_all_that_is_needed_to_judge_it(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path, "make bench ARGS=--write")
    text = (tmp_path / RESULTS).read_text()
    assert "`make bench ARGS=--write` on " in text
    assert "Linux " in text
    assert "TensorZero 1.2.3" in text
    assert "gone 9.9" not in text
    assert f"]({CHART})" in text
    assert "1 of 12 targets were reached." in text
    assert "- reached: CPU per streamed chunk" in text
    assert "- answers 1, TensorZero: text: it differs" in text
    assert report.table() in text


def test_the_chart_shows_who_was_measured(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path, "make bench")
    chart = (tmp_path / CHART).read_text()
    assert ">TensorZero</text>" in chart
    assert ">18.0</text>" in chart
    assert "gone" not in chart


@pytest.fixture
def with_https(report: Report) -> Report:
    secure = [asking_https(each) for each in (PEER, GONE, LOOP)]
    report.results.absent[GONE.name + OF_HTTPS] = "needs openssl"
    for subject, value in zip((secure[0], secure[2]), (30e-6, 27e-6), strict=True):
        report.results.add(metrics.cpu_chunk(metrics.level(64)), subject.name, value)
    gateways = {each.name: each for each in map(over_https, report.gateways.values())}
    return replace(
        report,
        subjects=(*report.subjects, *secure),
        gateways={**report.gateways, **gateways},
    )


def test_https_has_a_table_of_its_own_beside_direct(with_https: Report) -> None:
    plain, secure = with_https.table().split("\n\n")
    heads = [table.splitlines()[0] for table in (plain, secure)]
    names = [[cell.strip() for cell in head.split("|")[2:-1]] for head in heads]
    assert names == [
        ["direct", "TensorZero", "rag-proxy", "rag-proxy ÷ TensorZero"],
        [
            *("direct", "TensorZero-https", "rag-proxy-https"),
            *("rag-proxy-https ÷ TensorZero-https", "rag-proxy-https ÷ rag-proxy"),
        ],
    ]
    assert "0.90" in secure
    assert "1.50" in secure
    assert "gone | not measured: not installed" in plain
    assert "gone-https | not measured: needs openssl" in secure
    assert "gone-https" not in plain


def test_what_is_measured_over_https_alone_is_one_table(with_https: Report) -> None:
    secure = tuple(each for each in with_https.subjects if each.gateway.endswith(OF_HTTPS))
    alone = replace(with_https, subjects=(DIRECT, *secure))
    assert alone.table().count("|---|") == 1
    assert "rag-proxy-https ÷ rag-proxy" not in alone.table()


def test_the_chart_has_https_in_panels_of_its_own(with_https: Report, tmp_path: Path) -> None:
    with_https.write(tmp_path, "make bench")
    plain, secure = (tmp_path / CHART).read_text().split("(µs), https upstreams")
    assert ">18.0</text>" in plain
    assert ">27.0</text>" in secure
    assert ">27.0</text>" not in plain
    assert ">18.0</text>" not in secure
    assert ">rag-proxy</text>" in secure
    assert (tmp_path / RESULTS).read_text().count("TensorZero 1.2.3") == 1


def test_the_document_names_no_place_of_this_machine(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path, "make bench")
    text = (tmp_path / RESULTS).read_text()
    assert str(Path.home()) not in text.replace("~", "")
    assert str(tmp_path) not in text
