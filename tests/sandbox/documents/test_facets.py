import pytest

from proxy.sandbox.documents.facets import matches_content_type, parse_attribute

TYPES = ("legal:contract:nda",)
ATTRIBUTES = {
    "fiscal_year": ("2024",),
    "status": ("Active",),
    "filing_date": ("2023-06-15",),
    "regions": ("EMEA", "APAC"),
    "confidential": ("true",),
}


@pytest.mark.parametrize(
    "wanted",
    [
        "legal",
        "legal:contract",
        "LEGAL:contract:nda",
        "*contract*",
        "legal:contract*",
        "*nda*",
        "*:nda",
        "*",
    ],
)
def test_a_content_type_matches_itself_what_is_below_it_and_patterns(wanted: str) -> None:
    assert matches_content_type(wanted, TYPES)


@pytest.mark.parametrize("wanted", ["contract", "legal:con", "legal:contract:nda:x", "hr", "nda*"])
def test_other_content_types_do_not_match(wanted: str) -> None:
    assert not matches_content_type(wanted, TYPES)


def test_a_document_without_content_types_matches_none() -> None:
    assert not matches_content_type("*", ())


def matches(entry: str) -> bool:
    parsed = parse_attribute(entry)
    assert parsed is not None
    return parsed.matches(TYPES, ATTRIBUTES)


@pytest.mark.parametrize(
    "entry",
    [
        "status",
        "STATUS:active",
        "status:closed|active",
        "fiscal_year:>2023",
        "fiscal_year:>=2024",
        "fiscal_year:<2024.5",
        "fiscal_year:<=2024",
        "filing_date:2023",
        "filing_date:2023-06",
        "filing_date:2023-06-15",
        "filing_date:>=2023-01-01",
        "status:act*",
        "status:*TIV*",
        "regions:apac",
        "confidential:true",
        "content_type(legal:contract).status:active",
        "content_type(legal).status",
    ],
)
def test_an_attribute_filter_matches(entry: str) -> None:
    assert matches(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "missing",
        "missing:x",
        "status:closed",
        "status:act",
        "status:tiv*",
        "fiscal_year:>2024",
        "fiscal_year:>=2025",
        "fiscal_year:<2024",
        "fiscal_year:<=2023",
        "filing_date:2024",
        "filing_date:2023-07",
        "filing_date:<2023-01-01",
        "status:2023",
        "content_type(hr).status:active",
    ],
)
def test_an_attribute_filter_does_not_match(entry: str) -> None:
    assert not matches(entry)


def test_numbers_are_compared_as_numbers() -> None:
    parsed = parse_attribute("pages:>9")
    assert parsed is not None
    assert parsed.matches((), {"pages": ("10",)})


@pytest.mark.parametrize("entry", ["", ":value", "two words", "name:", "content_type(x)"])
def test_what_is_no_attribute_filter_is_refused(entry: str) -> None:
    assert parse_attribute(entry) is None
