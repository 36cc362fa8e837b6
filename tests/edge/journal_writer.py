"""A process that writes a journal and says on standard output what is durable, until it is killed.

python -m tests.edge.journal_writer DIRECTORY FIRST_NUMBER [FAULT_POINT TIMES]: dies at the point, or by another hand.
"""

from __future__ import annotations

import os
import signal
import sys

from edge.journal.files import OsFiles
from protocol.faults import set_hook
from tests.edge.journal_builders import body, open_journal


def die_at(point: str, times: int) -> None:
    left = times

    def hook(name: str) -> None:
        nonlocal left
        left -= name == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    set_hook(hook)


def main() -> None:
    directory, number = sys.argv[1], int(sys.argv[2])
    if len(sys.argv) > 3:
        die_at(sys.argv[3], int(sys.argv[4]))
    journal = open_journal(OsFiles(), directory)
    while True:
        count = 1 + number % 3
        for _ in range(count):
            journal.append(body(number))
            number += 1
        journal.sync()
        os.write(1, b"%d\n" % (number - 1))
        if number % 20 == 0:
            through = max(1, journal.synced_through - 10)
            chain = journal.chain_at(journal.generation, through)
            journal.prune(journal.generation, through, chain or b"", number)


if __name__ == "__main__":
    main()
