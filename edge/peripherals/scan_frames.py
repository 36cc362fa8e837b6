"""Cuts the bytes of a serial scanner into codes.

Pure: bytes and times in, events out; no transport, no waiting.

A frame is `prefix code suffix`, as the scanner is set up. Everything else is set aside with a named reason,
and the reader finds its feet again at the next frame. A code that lost a part never becomes another,
shorter code.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from edge.peripherals.events import CodeRefused, CodeRepeated, CodeScanned
from protocol.errors import ConfigError

# The longest code a till meets: a GS1 element string has at most 90 characters a symbol, a digital link or
# a wallet code some more. A 4 KB QR code in front of the scanner is an attack or a mistake.
MAX_CODE_BYTES = 256
# Scanners send a code in one go; USB adapters hold bytes back 16 ms at worst. A pause so long means that it
# ended.
IDLE_GAP_MS = 150
# After a code that lost its end, bytes so soon after are its rest: a person cannot present the next item
# faster.
REST_OF_CODE_MS = 600
# One refused code tells all; a storm of them is told at this pace, with a count.
REFUSAL_GAP_MS = 250
# How many codes back a repeat is noticed: a scanner that sees two items at once alternates between them.
REMEMBERED_CODES = 4

GROUP_SEPARATOR = 0x1D  # the only control byte that belongs in a code: it ends a GS1 element
SUFFIXES = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n", "tab": b"\t", "etx": b"\x03", "none": b""}
PREFIXES = {"none": b"", "stx": b"\x02"}

ScanEvent = CodeScanned | CodeRepeated | CodeRefused


@dataclass(frozen=True, slots=True)
class ScanRules:
    """How the scanner was set up, and what counts as one scan.

    prefix and suffix are names of PREFIXES and SUFFIXES; suffix "none" ends a code by the idle gap. A
    debounce window of 0 counts every read. Codes that start with one of `admin_prefixes` are refused
    always: anybody can hold one before the scanner.
    """

    prefix: str = "none"
    suffix: str = "cr"
    debounce_ms: int = 700
    idle_gap_ms: int = IDLE_GAP_MS
    admin_prefixes: tuple[str, ...] = ("tillbox:",)

    def __post_init__(self) -> None:
        if self.prefix not in PREFIXES or self.suffix not in SUFFIXES:
            raise ConfigError(
                "scanner-frame-unknown",
                f"Scanner frame {self.prefix}/{self.suffix}",
                f"Choose a prefix of {', '.join(PREFIXES)} and a suffix of {', '.join(SUFFIXES)}.",
            )


class ScanReader:
    """Feed it what the line delivers; ask `pending` whether an idle gap would mean something."""

    def __init__(self, rules: ScanRules) -> None:
        self._rules = rules
        self._prefix = PREFIXES[rules.prefix]
        self._suffix = SUFFIXES[rules.suffix]
        self._buffer = bytearray()
        self._dropped = 0  # bytes of an overlong frame that are skipped until its suffix
        self._rest_until_ms = -1  # until then, a frame is the rest of a code that was cut
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._last_refusal_ms: int | None = None
        self._refused_in_silence = 0

    @property
    def pending(self) -> bool:
        """Whether a part of a frame waits for its rest."""
        return bool(self._buffer) or self._dropped > 0

    def feed(self, data: bytes, now_ms: int) -> list[ScanEvent]:
        """Events of the frames that these bytes complete."""
        events: list[ScanEvent] = []
        for frame in self._frames(data):
            events += self._frame(frame, now_ms)
        if len(self._buffer) > self._longest():
            self._dropped += len(self._buffer)
            self._buffer.clear()
        return events

    def idle(self, now_ms: int) -> list[ScanEvent]:
        """End what is pending: the line was quiet for the idle gap."""
        frame = bytes(self._buffer)
        self._buffer.clear()
        if self._dropped:
            count, self._dropped = self._dropped + len(frame), 0
            return self._refuse("code-overlong", "More bytes than any code has", count, now_ms)
        if not frame.strip(b"\r\n\x00"):
            return []
        if not self._suffix:
            return self._frame(frame, now_ms)
        self._rest_until_ms = now_ms + REST_OF_CODE_MS
        return self._refuse("code-incomplete", "The end of a code is missing: scan again", len(frame), now_ms)

    def _longest(self) -> int:
        return MAX_CODE_BYTES + len(self._prefix) + len(self._suffix)

    def _frames(self, data: bytes) -> list[bytes]:
        if not self._suffix:
            self._buffer += data[: self._longest() + 1 - len(self._buffer)]
            return []
        self._buffer += data
        *frames, rest = bytes(self._buffer).split(self._suffix)
        self._buffer[:] = rest
        return frames

    def _frame(self, frame: bytes, now_ms: int) -> list[ScanEvent]:
        if self._dropped:
            count, self._dropped = self._dropped + len(frame), 0
            return self._refuse("code-overlong", "More bytes than any code has", count, now_ms)
        if now_ms < self._rest_until_ms:
            self._rest_until_ms = -1
            return self._refuse(
                "code-incomplete", "The start of a code is missing: scan again", len(frame), now_ms
            )
        events: list[ScanEvent] = []
        if self._prefix:
            noise, found, frame = frame.rpartition(self._prefix)
            if noise.strip(b"\r\n\x00") or not found:
                code = "noise-before-code" if found else "code-without-prefix"
                events += self._refuse(code, "Bytes outside of a code", len(noise) or len(frame), now_ms)
            if not found:
                return events
        body = frame.strip(b"\r\n")
        return events + (self._code(body, now_ms) if body else [])

    def _code(self, body: bytes, now_ms: int) -> list[ScanEvent]:
        if len(body) > MAX_CODE_BYTES:
            return self._refuse("code-overlong", "More bytes than any code has", len(body), now_ms)
        if any(byte < 0x20 and byte != GROUP_SEPARATOR for byte in body) or 0x7F in body:
            return self._refuse("code-has-control-bytes", "Control bytes inside a code", len(body), now_ms)
        if any(byte > 0x7F for byte in body):
            return self._refuse("code-not-text", "Bytes that no code holds", len(body), now_ms)
        text = body.decode("ascii")
        if text.lower().startswith(self._rules.admin_prefixes):
            return self._refuse("code-is-administrative", "A code that would command", len(body), now_ms)
        return [self._scanned(text, body, now_ms)]

    def _scanned(self, text: str, body: bytes, now_ms: int) -> ScanEvent:
        digest = hashlib.sha256(body).hexdigest()[:8]
        seen_ms = self._seen.pop(digest, None)
        self._seen[digest] = now_ms
        while len(self._seen) > REMEMBERED_CODES:
            self._seen.popitem(last=False)
        if seen_ms is not None and now_ms - seen_ms < self._rules.debounce_ms:
            return CodeRepeated(text, digest, now_ms)
        return CodeScanned(text, digest, now_ms)

    def _refuse(self, code: str, what: str, byte_count: int, now_ms: int) -> list[ScanEvent]:
        last = self._last_refusal_ms
        if last is not None and now_ms - last < REFUSAL_GAP_MS:
            self._refused_in_silence += 1
            return []
        if self._refused_in_silence:
            what += f" ({self._refused_in_silence} more before)"
        self._last_refusal_ms, self._refused_in_silence = now_ms, 0
        return [CodeRefused(code, what, byte_count, now_ms)]
