"""Links to the acquirer: one answer that cannot be taken silences nothing."""

from __future__ import annotations

from cloud.cardzone.iso8583 import ECHO, encode, network
from cloud.cardzone.link import LinkTimes
from cloud.cardzone.links import Endpoint, Links
from protocol.errors import CallerError


async def test_an_answer_that_cannot_be_taken_is_counted_and_the_link_reads_on():
    heard = []

    async def on_answer(fields):
        heard.append(fields["11"])
        if len(heard) == 1:
            raise CallerError("attempt-event-absent", "it cannot follow")

    links = Links([Endpoint("a", "127.0.0.1", 1)], LinkTimes(), lambda: "1122120000", on_answer)
    link = links._links[0]

    for stan in ("000001", "000002"):
        await link._take(encode(network(ECHO, stan, "1122120000")))

    assert heard == ["000001", "000002"]
    assert links.counts["attempt-event-absent"] == 1
