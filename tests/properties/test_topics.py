"""Topics: every one reads back, everything else is refused."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import PeerError
from protocol.topics import DOWN_LANES, UP_LANES, Topic, build, parse, shard_number, shard_of, shard_text

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=32)
SHARDS = st.integers(0, 63).map(shard_text)
LANES = st.sampled_from([("up", lane) for lane in UP_LANES] + [("down", lane) for lane in DOWN_LANES])


@given(SHARDS, NAMES, NAMES, NAMES, LANES)
def test_a_topic_that_was_built_reads_back(shard, tenant, store, box, lane):
    text = build(shard, tenant, store, box, *lane)

    assert parse(text) == Topic(shard, tenant, store, box, *lane)
    assert not set(text) & set("+#$ .")


@given(st.text(max_size=60) | st.from_regex(r"tb1/[0-9a-g]{2}(/[a-z+#]{0,3}){5}", fullmatch=True))
def test_any_text_is_a_topic_spelt_in_the_one_way_or_refused(text):
    try:
        topic = parse(text)
    except PeerError:
        return
    assert str(topic) == text


@given(NAMES)
def test_every_tenant_has_a_shard(tenant):
    assert 0 <= shard_number(shard_of(tenant)) < 64
