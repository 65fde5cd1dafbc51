import base64
from pathlib import Path
from typing import Any

import lighton  # type: ignore[import-untyped]  # it has no py.typed
import pytest

from proxy.sandbox.documents.corpus import Corpus, default_documents, load_corpus
from proxy.sandbox.lighton.request import parse_request
from proxy.sandbox.lighton.search import AT_LEAST, RELEVANT, NothingAuthorised, search
from tests.sandbox.samples import Files, make_pdf, sample_folder, write


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return load_corpus(sample_folder(tmp_path))


def results(corpus: Corpus, query: str, **fields: Any) -> list[dict[str, Any]]:
    return search(corpus, parse_request({"query": query, **fields}))


def files(corpus: Corpus, query: str, **fields: Any) -> set[str]:
    return {each["source"]["filename"] for each in results(corpus, query, **fields)}


def test_a_result_is_written_as_the_vendors_schema_has_it(corpus: Corpus) -> None:
    (result,) = results(corpus, "How many days of holiday does an employee have?", max_results=1)
    lighton.types.api.SearchResponse.model_validate({"results": [result]})
    (passage,) = [each for each in corpus.passages if str(each.id) == result["chunk_id"]]
    assert result == {
        "chunk_id": str(passage.id),
        "content": passage.chunk.content,
        "score": result["score"],
        "scores": {
            "text": result["scores"]["text"],
            "vision": None,
            "keyword": result["scores"]["keyword"],
            "multivector": None,
            "relevance": result["score"],
        },
        "source": {
            "file_id": 1001,
            "filename": "handbook.md",
            "title": "Staff handbook",
            "mime_type": "md",
            "size_bytes": passage.document.size_bytes,
            "page_start": None,
            "page_end": None,
            "total_pages": 1,
            "tags": [{"id": 101, "name": "leave"}, {"id": 103, "name": "people"}],
            "content_types": [
                {
                    "path": "hr:policy",
                    "label": "policy",
                    "attribute_values": {
                        "fiscal_year": {"value": "2024", "type": "text"},
                        "status": {"value": "active", "type": "text"},
                    },
                }
            ],
            "external_metadata": {
                "external_id": "hr/handbook.md",
                "external_url": "https://intranet.test/handbook",
                "additional_metadata": {},
            },
        },
        "workspace": {"id": 1, "name": "hr"},
    }


def test_a_pdf_result_knows_its_page(corpus: Corpus) -> None:
    (result,) = results(corpus, "Who signed? The landlord.", max_results=1)
    source = result["source"]
    assert (source["page_start"], source["page_end"], source["total_pages"]) == (3, 3, 3)
    assert source["title"] is None
    assert source["external_metadata"] is None


def test_a_page_that_is_an_image_has_no_content(corpus: Corpus) -> None:
    found = results(corpus, "lease", file_id=[1002], relevance_scoring="none")
    assert [each["content"] for each in found if each["source"]["page_start"] == 2] == [None]


def test_the_deep_link_can_be_in_the_additional_metadata(corpus: Corpus) -> None:
    (result,) = results(corpus, "confidential document of the disclosing party")
    assert result["source"]["external_metadata"] == {
        "external_id": "legal/nda.md",
        "external_url": None,
        "additional_metadata": {"url": "https://files.test/nda"},
    }


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, {"handbook.md", "nda.md", "lease.pdf", "notes.txt", "welcome.md"}),
        ({"workspace_id": [2]}, {"nda.md", "lease.pdf", "notes.txt"}),
        ({"workspace_id": [1, 3]}, {"handbook.md", "welcome.md"}),
        ({"workspace_id": [1, 999]}, {"handbook.md"}),
        ({"workspace_id": []}, {"handbook.md", "nda.md", "lease.pdf", "notes.txt", "welcome.md"}),
        ({"tag_id": [101, 102]}, {"handbook.md", "nda.md"}),
        ({"tag_id": [102], "workspace_id": [2]}, {"nda.md"}),
        ({"file_id": [1001, 1005]}, {"handbook.md", "welcome.md"}),
        ({"content_type": ["legal"]}, {"nda.md"}),
        ({"content_type": ["hr", "*nda*"]}, {"handbook.md", "nda.md"}),
        ({"attribute": ["fiscal_year:2023|2024"]}, {"handbook.md"}),
        ({"attribute": ["fiscal_year:>=2024", "status:active"]}, {"handbook.md"}),
        ({"attribute": ["filing_date:2023-06"]}, {"nda.md"}),
    ],
)
def test_a_scope_limits_what_is_searched(
    corpus: Corpus, scope: dict[str, Any], expected: set[str]
) -> None:
    query = "holiday confidential lease folder"
    assert files(corpus, query, relevance_scoring="none", **scope) == expected


@pytest.mark.parametrize(
    "scope",
    [
        {"workspace_id": [999]},
        {"tag_id": [999]},
        {"file_id": [999]},
        {"content_type": ["finance"]},
        {"attribute": ["status:active", "fiscal_year:1999"]},
        {"workspace_id": [1], "tag_id": [102]},
    ],
)
def test_a_scope_that_matches_nothing_is_not_authorised(
    corpus: Corpus, scope: dict[str, Any]
) -> None:
    with pytest.raises(NothingAuthorised):
        results(corpus, "holiday", **scope)


def test_a_question_about_nothing_here_has_no_results(corpus: Corpus) -> None:
    assert results(corpus, "🙂") == []
    assert results(corpus, "zeppelin") == []


def test_results_come_in_the_order_of_their_scores(corpus: Corpus) -> None:
    for scoring in ("scoring_only", "none"):
        scores = [
            each["score"]
            for each in results(corpus, "the lease in Lyon", relevance_scoring=scoring)
        ]
        assert len(scores) > 2
        assert scores == sorted(scores, reverse=True)


def test_without_relevance_scoring_the_score_is_that_of_the_keywords(corpus: Corpus) -> None:
    for each in results(corpus, "lease in Lyon", relevance_scoring="none"):
        assert each["scores"]["relevance"] is None
        assert each["score"] == each["scores"]["keyword"]


def test_a_passage_that_answers_every_word_is_wholly_relevant(corpus: Corpus) -> None:
    assert results(corpus, "the landlord signed in Lyon")[0]["scores"]["relevance"] == 1.0


def test_filtering_drops_what_is_not_relevant(corpus: Corpus) -> None:
    query = "Which party keeps a confidential document secret?"
    everything = results(corpus, query, relevance_scoring="scoring_only")
    filtered = results(corpus, query)
    assert [each["score"] >= RELEVANT for each in everything] == [True, False]
    assert filtered == everything[:1]


def test_the_few_best_come_back_when_nothing_is_relevant(tmp_path: Path) -> None:
    notes = {f"{name}.txt": f"Note {name} on gardening." for name in "abcde"}
    corpus = load_corpus(write(tmp_path, notes))
    found = results(corpus, "gardening on Mars with rockets and robots")
    assert len(found) == AT_LEAST
    assert all(0 < each["scores"]["relevance"] < RELEVANT for each in found)


def test_no_more_results_come_than_asked_for(corpus: Corpus) -> None:
    assert len(results(corpus, "lease", max_results=1, relevance_scoring="none")) == 1


def test_ten_results_come_by_default(tmp_path: Path) -> None:
    notes = {f"{number}.txt": "gardening" for number in range(12)}
    assert len(results(load_corpus(write(tmp_path, notes)), "gardening")) == 10


def test_the_same_search_gives_the_same_results(corpus: Corpus, tmp_path: Path) -> None:
    again = load_corpus(tmp_path)
    assert results(corpus, "lease in Lyon") == results(again, "lease in Lyon")


def test_images_and_boxes_are_there_only_when_asked_for(corpus: Corpus) -> None:
    assert all("image" not in each and "bboxes" not in each for each in results(corpus, "lease"))


def test_an_image_is_empty_where_a_document_has_no_pages(corpus: Corpus) -> None:
    found = results(corpus, "lease", include_image=True, relevance_scoring="none")
    images = {each["source"]["filename"]: each["image"]["b64_content"] for each in found}
    assert images["notes.txt"] == ""
    assert base64.b64decode(images["lease.pdf"]).startswith(b"\x89PNG")


def test_boxes_lie_on_the_page_and_are_missing_where_there_is_none(corpus: Corpus) -> None:
    found = results(corpus, "lease", include_bboxes=True, relevance_scoring="none")
    lighton.types.api.SearchResponse.model_validate({"results": found})
    boxes = {
        (each["source"]["filename"], each["source"]["page_start"]): each["bboxes"] for each in found
    }
    assert boxes["notes.txt", None] == []
    assert boxes["lease.pdf", 1] == [
        {
            "page_number": 1,
            "x": 0.0,
            "y": 0.0,
            "width": 612.0,
            "height": 792.0,
            "unit": "pdf_point",
            "origin": "top_left",
        }
    ]


def test_the_vision_mode_finds_each_page_once_and_gives_no_text(tmp_path: Path) -> None:
    long_page = "lease " * 600
    files: Files = {"a.pdf": make_pdf([long_page, "the lease"]), "b.md": "lease"}
    corpus = load_corpus(write(tmp_path, files))
    found = results(corpus, "lease", mode="vision", include_image=True, include_bboxes=True)
    lighton.types.api.SearchResponse.model_validate({"results": found})
    assert sorted(each["source"]["page_start"] for each in found) == [1, 2]
    for each in found:
        assert (each["content"], each["bboxes"]) == (None, [])
        assert (each["scores"]["text"], each["scores"]["keyword"]) == (None, None)
        assert each["scores"]["vision"] == 1.0


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How do I scope a request to a workspace?", "workspace_id"),
        ("Where do I put the LightOn API key?", "LIGHTON_API_KEY"),
        ("What is the default port?", "8000"),
    ],
)
def test_questions_about_the_proxy_find_the_right_place_in_its_documentation(
    question: str, answer: str
) -> None:
    best = results(load_corpus(default_documents()), question)[:3]
    assert any(answer in (each["content"] or "") for each in best)
