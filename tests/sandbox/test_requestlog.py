import threading

from proxy.sandbox.requestlog import Received, RequestLog


def test_requests_are_kept_in_order_with_how_they_ended() -> None:
    log = RequestLog()
    first = log.open("lighton", "POST", "/api/v3/search", {"query": "a"})
    log.open("scaleway", "GET", "/v1/models", None)
    log.close(first, status=200, outcome="answered")
    assert log.all() == [
        Received("lighton", "POST", "/api/v3/search", {"query": "a"}, 200, "answered"),
        Received("scaleway", "GET", "/v1/models", None, None, "open"),
    ]


def test_requests_can_be_picked_by_upstream_and_path() -> None:
    log = RequestLog()
    log.open("scaleway", "GET", "/v1/models", None)
    log.open("scaleway", "POST", "/v1/chat/completions", None)
    log.open("lighton", "POST", "/api/v3/search", None)
    assert [each.path for each in log.all("scaleway", "/completions")] == ["/v1/chat/completions"]
    assert len(log.all("scaleway")) == 2
    assert len(log.all()) == 3


def test_only_the_latest_are_kept() -> None:
    log = RequestLog(size=2)
    for number in range(3):
        log.open("lighton", "POST", "/", number)
    assert [each.body for each in log.all()] == [1, 2]


def test_it_can_be_cleared() -> None:
    log = RequestLog()
    log.open("lighton", "POST", "/", None)
    log.clear()
    assert log.all() == []


def test_waiting_ends_when_another_thread_makes_the_condition_true() -> None:
    log = RequestLog()
    received = log.open("lighton", "POST", "/", None)
    closes = threading.Thread(
        target=log.close, args=(received,), kwargs={"status": None, "outcome": "hung_up"}
    )
    closes.start()
    assert log.wait_for(lambda requests: requests[0].outcome == "hung_up")
    closes.join()


def test_waiting_gives_up() -> None:
    assert not RequestLog().wait_for(bool, timeout_s=0)


def test_it_can_be_written_as_json() -> None:
    log = RequestLog()
    log.open("lighton", "POST", "/", "text")
    assert log.as_json() == [
        {
            "upstream": "lighton",
            "method": "POST",
            "path": "/",
            "body": "text",
            "status": None,
            "outcome": "open",
        }
    ]
