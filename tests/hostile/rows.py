"""The rows of the hostile cases, and which tests try them: the one place that knows both.

A test names its row in its name (`test_row_14_...`, `test_hostile_rows_14_to_17_...`, `test_36_...`) or in a
parameter's id (`28-storm`). What cannot is listed here: whole files, and tests of other parts. `table` counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

TRIED = "tried"  # the property with which one test says how many attempts it made


class Row(NamedTuple):
    """One attack or bad input, and what must be observed."""

    number: int
    section: str
    attack: str
    observed: str


TRANSPORT, BODY, CLOCK, DEVICES = "Broker and identity", "Message body", "Clock", "Peripherals and codes"
PRICES, PAYMENTS, PAGES = "Price and basket", "Payments", "Screen and command line"
PUSH, FAULTS, MORE = "Configuration and enrolment", "Faults as attacks", "Further attacks"

ROWS = [
    Row(1, TRANSPORT, "Anonymous connect", "Refused, also over TLS"),
    Row(2, TRANSPORT, "TLS with a wrong authority, expired or revoked certificate", "Handshake or connection refused"),
    Row(3, TRANSPORT, "Client id of another box; takeover in a loop", "One owner by certificate, others untouched"),
    Row(4, TRANSPORT, "Publish under another box, store or tenant", "Heard by nobody"),
    Row(5, TRANSPORT, "Subscribe to `#`, `+/+/#`, `$SYS/#`, `$share/g/#`", "Nothing of others is heard"),
    Row(6, TRANSPORT, "Retained poison on a command topic", "Retained commands and money are dropped"),
    Row(7, TRANSPORT, "Last will that claims a sale", "Not delivered, or refused for its seal"),
    Row(8, TRANSPORT, "Huge packet or topic, ten thousand levels", "Closed at the limit, memory flat"),
    Row(9, TRANSPORT, "Malformed MQTT packets", "That connection ends, the broker goes on"),
    Row(10, TRANSPORT, "Flood of connections, CONNECT byte by byte", "Others get in"),
    Row(11, TRANSPORT, "Topic alias beyond its bound", "Refused"),
    Row(12, TRANSPORT, "Reader that stopped reading", "Bounded memory, others unaffected"),
    Row(13, TRANSPORT, "Keepalive 0 or enormous", "Takes nothing from others"),
    Row(14, BODY, "No JSON, truncated, 100,000 deep, thousands of keys", "Named error, parked or set aside"),
    Row(15, BODY, "NaN, Infinity, 1e400, floats for money, -0", "Refused by name"),
    Row(16, BODY, "Integer beyond 63 bits, negative amount, quantity 0 or 10^9", "Refused by name"),
    Row(17, BODY, "Unknown version, fields too many or missing", "Refused by name, no effect"),
    Row(18, BODY, "Poison that crashes a consumer", "Parked with the reason, the queue moves on, replay later"),
    Row(19, BODY, "Same id, other body", "Refused, alarm, the first stands"),
    Row(20, BODY, "Gap, wrong order, number reset after re-imaging", "Held, asked for again; a fork stops selling"),
    Row(21, BODY, "Forged seal, key of another box, direction or lane", "Refused and counted, nothing stored"),
    Row(22, BODY, "Captured message or frames replayed by another box", "Refused; the thief is quarantined"),
    Row(23, BODY, "Very late message (30 days offline)", "Booked once on its own day, flagged"),
    Row(24, BODY, "Direction override, homoglyphs, zero width, twins, lone surrogate", "Refused, or plain text only"),
    Row(25, CLOCK, "Box clock +10 years, 1970, back an hour, jumps mid-sale", "Order by sequence, no id twice, alarm"),
    Row(26, CLOCK, "Slow drift", "Deadlines follow the cloud's sealed time"),
    Row(28, DEVICES, "Serial garbage, framing errors, 0xFF storm, split reads", "Resync, degraded, no crash"),
    Row(29, DEVICES, "Scanner that types (Alt-F4, F11)", "Only the serial reader reads, no code comes of it"),
    Row(30, DEVICES, "Wrong check digits, length confusion, label with another price", "Refused by name, nothing sold"),
    Row(31, DEVICES, "GS1: missing separator, repeated identifier, overlong", "Refused by name"),
    Row(32, DEVICES, "QR code with address, script, SQL, 4 KB of bytes", "Refused, neither opened nor logged"),
    Row(33, DEVICES, "Two codes in one burst, one item scanned twice", "Two lines, or one and a notice"),
    Row(34, DEVICES, "Configuration code at the shopper's scanner", "Refused outside maintenance"),
    Row(35, DEVICES, "Scale: negative, unstable, overflow, other unit, tare", "No weight before it is stable"),
    Row(36, DEVICES, "Printer commands in names", "Never reach the printer; golden bytes"),
    Row(37, DEVICES, "Endless receipt, paper out or jam in the middle", "Bounded; the copy is marked; sale unaffected"),
    Row(38, DEVICES, "Flapping drawer switch", "A few events, counts as open"),
    Row(39, PRICES, "Box names its own price, total, tax or catalogue", "Priced again; suspense and alarm"),
    Row(41, PRICES, "Rounding: a thousand half pennies, half grams", "Integers; the sum is the total by construction"),
    Row(42, PRICES, "Negative line, line taken off after payment began", "Refused"),
    Row(43, PRICES, "Other currency or exponent in mid-sale", "Refused"),
    Row(45, PAYMENTS, "Money asked back twice, by many, or by another box", "One reversal, sum zero"),
    Row(48, PAYMENTS, "Time-out after success, late or second success", "Asked or reversed, never two captures"),
    Row(49, PAYMENTS, "Acquirer answers other amount or number, empty, garbage", "Unknown, then reversed; never paid"),
    Row(51, PAYMENTS, "Clear card number in any file, socket or log", "None but on the acquirer link"),
    Row(52, PAYMENTS, "ISO 8583: lying bitmap, bad length, wrong type, trailing bytes", "Refused, the link stays"),
    Row(54, PAYMENTS, "Card while offline", "Declined: the offline floor of this version is zero"),
    Row(55, PAYMENTS, "Retry storm after an outage", "Bounded messages at growing intervals"),
    Row(60, PAGES, "Templates, format strings and markup in names and touches", "Literal text"),
    Row(63, PAGES, "Foreign Host or Origin, form of another page", "Refused, nothing done"),
    Row(64, PAGES, "Huge, slow, broken requests; path traversal; socket flood", "Refused, the page goes on"),
    Row(65, PAGES, "PIN guessing, enumeration of staff", "Locked, same answer"),
    Row(66, PAGES, "Line ends, ANSI and direction marks in names", "Encoded in logs, `explain` and `doctor`"),
    Row(68, PUSH, "Unsigned, wrong key, expired, rollback, freeze, mixed, endless, partial", "Named; last good kept"),
    Row(69, PUSH, "Applied in mid-sale, power cut while applying", "The sale keeps its version; atomic"),
    Row(70, PUSH, "Name of one enrolment with the certificate of another", "Refused"),
    Row(72, FAULTS, "kill -9 at each step, torn disks, dead names, links cut one way, stores of yesterday",
        "Resumed, reversed or shown as unknown; no sale is lost"),
    Row(73, MORE, "Receipt of another box, generation or epoch", "Nothing is pruned, nothing forgotten"),
    Row(74, MORE, "Approval forged, replayed, for another attempt or amount", "No sale is paid by it"),
    Row(75, MORE, "Genuine message moved to another lane or direction", "Refused for its seal"),
    Row(76, MORE, "Card blob of another attempt, box, amount or key", "Declined before the acquirer hears of it"),
    Row(77, MORE, "Deadline in the past or in a hundred years, bent intention", "Never asked, or bounded"),
    Row(78, MORE, "Catalogue image cut, corrupted or of another currency", "Refused by name, or never sold from"),
    Row(79, MORE, "box.json, settings.json, overlay.json of garbage", "Every fault named, no start"),
    Row(80, MORE, "Journal directory of another box or of garbage", "Refused or set aside, not overwritten"),
    Row(81, MORE, "Printer that answers garbage", "Unknown, never printed"),
    Row(82, MORE, "Scanner that sends 100,000 codes", "Bounded queue and memory, the sale stands"),
    Row(83, MORE, "Touches in a wrong order, from a page that lies", "Nothing is sold, paid or given back"),
    Row(84, MORE, "Cash counted short, over, twice, or without a tender", "Not taken; one result"),
]  # fmt: skip

LATER = {
    27: "tokens: with the REST interface",
    40: "coupons: with promotions and members",
    44: "stock on two kiosks: with stock reservations",
    46: "refunds: with the issue on refunds; today nothing but the attempt itself can be reversed",
    47: "refunds while offline: with refunds",
    50: "key serial numbers: with DUKPT in the secure module",
    53: "velocity rules: with the risk service",
    56: "tokens: with the REST interface",
    57: "foreign ids: with the REST interface",
    58: "fields in PATCH: with the REST interface",
    59: "filters and sorting: with the REST interface",
    61: "exports: with reports",
    62: "bundles and reports: with reports; the page's own files are tried in row 64",
    67: "four eyes: with the operator console",
    71: "dependency swap: installation demands hashes; a test of it comes with the release",
}

# Files that try one row, or rows, from their first line to their last.
FILES = {
    "tests/hostile/test_iso8583.py": (52,),
    "tests/hostile/test_card_numbers.py": (51,),
}

# Files whose parameters' ids begin with the row.
WITH_IDS = ("tests/hostile/test_peripherals.py", "tests/hostile/test_codes.py")

# Tests that try a row though their names do not say so: (part of the node id, rows).
NAMED = (
    ("test_configuration.py::test_every_attack", (68,)),
    ("test_configuration.py::test_no_attack_keeps", (68,)),
    ("test_configuration.py::test_what_nobody_proved", (68,)),
    ("test_configuration.py::test_a_freeze", (68,)),
    ("test_configuration.py::test_a_wall_clock", (26, 68)),
    ("test_configuration.py::test_replayed_cloud_time", (26, 68)),
    ("test_configuration.py::test_a_box_that_never_heard", (68,)),
    ("test_configuration.py::test_a_message_for_one_box", (22, 68)),
    ("test_configuration.py::test_a_thousand_forgeries", (68,)),
    ("tests/hostile/test_configuration.py::test_applying_in_the_middle", (69,)),
    ("tests/hostile/test_configuration.py::test_the_unsent_journal", (69,)),
    ("tests/edge/test_config_slots.py::test_", (69,)),
    ("test_cardzone_crashes.py::test_", (72,)),
    ("test_journal_killed.py::test_", (72,)),
    ("test_journal_recovery.py::test_", (72,)),
    ("test_consumer.py::test_a_crash_at_each_step", (72,)),
    ("test_payments_unknown.py::test_a_crash_at_each_step", (72,)),
    ("test_cardzone_requests.py::test_a_card_sealed_for_something_else", (76,)),
    ("test_cardzone_process.py::test_a_doubtful_answer", (49,)),
    ("test_cardzone_process.py::test_answers_that_are_garbage", (49,)),
    ("test_cardzone_process.py::test_a_late_approval", (48,)),
    ("test_cardzone_process.py::test_an_approval_that_comes_after", (48,)),
    ("test_cardzone_process.py::test_money_captured_after", (48,)),
)

_IN_NAME = re.compile(r"(?:^|_)rows?_(\d+(?:_(?:to|and)_\d+)*)(?=_|$)")
_AT_START = re.compile(r"^test_(\d+)_")
_IN_ID = re.compile(r"^\[(\d+)-[a-z]")


def rows_of(node_id: str) -> set[int]:
    """Which rows a test tries, by its node id."""
    path, _, rest = node_id.partition("::")
    rows = set(FILES.get(path, ()))
    name, bracket, parameters = rest.partition("[")
    for found in _IN_NAME.findall(name):
        rows |= _numbers(found)
    if path.startswith("tests/hostile/"):
        rows |= {int(number) for number in _AT_START.findall(name)}
    if path in WITH_IDS:
        rows |= {int(number) for number in _IN_ID.findall(bracket + parameters)}
    if path == "tests/hostile/test_table.py":
        return set()
    for part, named in NAMED:
        if part in node_id:
            rows |= set(named)
    return rows & KNOWN


def _numbers(text: str) -> set[int]:
    """Read "14_to_17", "48_and_49" or "6"."""
    found: set[int] = set()
    words = text.split("_")
    for word, number in zip(["and", *words[1::2]], words[::2], strict=True):
        first = max(found) if word == "to" else int(number)
        found |= set(range(first, int(number) + 1))
    return found


def numbers(rows: Iterable[Row]) -> list[int]:
    """The numbers of rows, in order."""
    return [row.number for row in rows]


KNOWN = frozenset(numbers(ROWS)) | frozenset(LATER)
