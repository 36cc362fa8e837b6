"""Finding and hiding card numbers (PAN) in text. For logs, receipts, screens and errors.

This is the last net, not the first: card numbers live in the secure module and the card zone only. One long
number in ten passes Luhn by chance and is masked too: hiding too much is safe. Where an id must stay legible
in scrubbed text, write it as `identifiers.to_paper` does.
"""

from protocol.limits import MAX_PAN_DIGITS, MIN_PAN_DIGITS

MASK = "*"

_SEPARATORS = " -"
_MAX_SEPARATORS = 3  # between two digits of one number: "4111 - 1111" is the widest spelling seen

# Card schemes that are looked for inside longer runs of digits (EMV data in hex, fields glued together):
# first digits, length. Where a run has the length of a card number by itself, any first digit counts.
_SCHEMES = (
    ("4", 16),
    ("51", 16), ("52", 16), ("53", 16), ("54", 16), ("55", 16),
    ("22", 16), ("23", 16), ("24", 16), ("25", 16), ("26", 16), ("27", 16),
    ("34", 15), ("37", 15),
    ("35", 16), ("30", 14), ("36", 14), ("38", 14),
    ("60", 16), ("62", 16), ("64", 16), ("65", 16), ("81", 16),
    ("62", 19), ("4", 19),
)  # fmt: skip


def luhn_ok(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others. Digits only.

    >>> luhn_ok("4111111111111111")
    True
    """
    total = 0
    double = False
    for i in range(len(digits) - 1, -1, -1):
        value = ord(digits[i]) - 48
        if double:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
        double = not double
    return total % 10 == 0


def mask_pan(pan: str) -> str:
    """Hide the middle of a card number: first 6 and last 4 digits stay, the length too.

    Shorter numbers show less, so that enough always stays hidden: below 15 digits only the last 4, below 12
    none. Blanks and hyphens stay where they are; any other character makes the whole text hidden.

    >>> mask_pan("4111111111111111"), mask_pan("4111 1111 1111 1111"), mask_pan("123")
    ('411111******1111', '4111 11** **** 1111', '***')
    """
    count = 0
    for c in pan:
        if "0" <= c <= "9":
            count += 1
        elif c not in _SEPARATORS:
            return MASK * len(pan)
    first = 6 if count >= 15 else 0
    last = 4 if count >= 12 else 0
    masked = ""
    seen = 0
    for c in pan:
        if c in _SEPARATORS:
            masked += c
            continue
        seen += 1
        masked += c if seen <= first or seen > count - last else MASK
    return masked


def find_pans(text: str) -> list[tuple[int, int]]:
    """Return where card numbers stand in a text: (start, end) of each, in order, never overlapping.

    Looked for are 12 to 19 digits that pass Luhn, alone or with blanks and hyphens in between, and card
    numbers of the known schemes inside longer runs of digits. Numbers that overlap become one span.
    """
    return [(start, end) for start, end, _ in _findings(text)]


def scrub(text: str) -> str:
    """Return the text with every card number masked, and what follows it on a magnetic track hidden.

    >>> scrub("card 4111-1111-1111-1111, ;4111111111111111=25121010000012300000?")
    'card 4111-11**-****-1111, ;411111******1111=********************?'
    """
    scrubbed = ""
    position = 0
    for start, end, is_single in _findings(text):
        if start < position:  # It begins in track data that is hidden already.
            scrubbed += MASK * (end - position)
        else:
            scrubbed += text[position:start]
            scrubbed += mask_pan(text[start:end]) if is_single else MASK * (end - start)
        position = max(position, end)
        track_end = _end_of_track(text, end)
        if track_end > position:
            scrubbed += text[position] + MASK * (track_end - position - 1)
            position = track_end
    return scrubbed + text[position:]


def _findings(text: str) -> list[tuple[int, int, bool]]:
    """List spans of card numbers; the flag is False where two different ones overlap: none of it may show."""
    findings: list[tuple[int, int, bool]] = []
    for places, groups in _runs(text):
        digits = "".join(text[place] for place in places)
        for first, last in sorted(_windows(digits, groups)):
            start = places[first]
            end = places[last - 1] + 1
            if findings and start < findings[-1][1]:
                before = findings.pop()
                findings.append((before[0], max(end, before[1]), False))
            else:
                findings.append((start, end, True))
    return findings


def _runs(text: str) -> list[tuple[list[int], list[int]]]:
    """Find runs of digits with few separators: the places of the digits, and where groups begin and end."""
    runs: list[tuple[list[int], list[int]]] = []
    places: list[int] = []
    groups: list[int] = []
    gap = 0
    for i, c in enumerate(text):
        if "0" <= c <= "9":
            if not places or gap:
                groups.append(len(places))
            places.append(i)
            gap = 0
        elif places:
            gap += 1
            if c not in _SEPARATORS or gap > _MAX_SEPARATORS:
                runs.append((places, groups))
                places, groups, gap = [], [], 0
    runs.append((places, groups))
    for places, groups in runs:
        groups.append(len(places))
    return [run for run in runs if len(run[0]) >= MIN_PAN_DIGITS]


def _windows(digits: str, groups: list[int]) -> set[tuple[int, int]]:
    """List parts of a run that look like card numbers: whole groups of digits, known schemes anywhere."""
    windows = set()
    for i, first in enumerate(groups):
        for last in groups[i + 1 :]:
            if last - first > MAX_PAN_DIGITS:
                break
            if last - first >= MIN_PAN_DIGITS and luhn_ok(digits[first:last]):
                windows.add((first, last))
    for first in range(len(digits)):
        for prefix, length in _SCHEMES:
            if digits.startswith(prefix, first) and first + length <= len(digits):
                if luhn_ok(digits[first : first + length]):
                    windows.add((first, first + length))
    return windows


def _end_of_track(text: str, end: int) -> int:
    """Find where the rest of track 1 (`^name^data?`) or 2 (`=data?`, in chips `Ddata`) ends, or `end`."""
    separator = text[end : end + 1]
    i = end + 1
    if separator == "^":
        while i < len(text) and text[i] not in "?\r\n":
            i += 1
        return i
    if separator not in ("=", "D", "d"):
        return end
    while i < len(text) and ("0" <= text[i] <= "9" or text[i] in "=Ff"):
        i += 1
    return i if i > end + 4 else end
