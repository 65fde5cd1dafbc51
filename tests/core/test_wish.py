from proxy.core.scope import Wish
from proxy.core.wish import Wishes


def test_what_narrows_is_found_however_it_is_spelt() -> None:
    wishes = Wishes(["Work-Space", "tag_id"], lambda _: Wish(), lambda _: Wish(), ["shown"])
    assert wishes.fields == ("Work-Space", "tag_id")
    assert wishes.in_body == ("Work-Space", "tag_id", "shown")
    assert wishes.narrowing == {
        "model": "model",
        "toolchoice": "tool_choice",
        "workspace": "lighton.Work-Space",
        "tagid": "lighton.tag_id",
    }
