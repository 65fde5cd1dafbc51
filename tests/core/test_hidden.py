"""Jobs of hidden tools, which are known again when a later request asks for the same."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from proxy.core.hidden import Job, Plain

plain: st.SearchStrategy[Plain] = st.one_of(
    st.text(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
jobs = st.builds(
    Job, st.text(), st.lists(plain, max_size=4).map(tuple), st.text(), st.integers(0, 2**31)
)
CODEC = TypeAdapter(Job)


@given(jobs)
def test_a_job_that_was_kept_is_equal_to_the_one_that_is_asked_for(job: Job) -> None:
    again = CODEC.validate_json(CODEC.dump_json(job))
    assert again == job
    assert hash(again) == hash(job)
    assert [type(each) for each in again.asked] == [type(each) for each in job.asked]
