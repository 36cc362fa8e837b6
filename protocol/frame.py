"""Frames: one record as it lies in the journal and travels, and how a damaged file is read again.

    length u32 (bytes of body) | crc32 u32 (over seq | chain | body) | seq u64 | chain 32 bytes | body
    chain[0] = SHA-256("tillbox" 0x00 tenant 0x00 box 0x00 generation)
    chain[n] = SHA-256(chain[n-1] | seq | body)            all numbers big-endian; frame n carries chain[n]

The bytes as written are the truth: nothing is ever encoded a second time. What a body says is in `records`,
how a batch is authenticated in `seal`. A journal cuts an incomplete tail and salvages behind damage; which
is which, `scan` decides.
"""

import binascii
import hashlib
import struct

from protocol.errors import CallerError, PeerError
from protocol.limits import MAX_BATCH_BYTES, MAX_BODY_BYTES, MAX_SEQ

HEADER_BYTES = 48
MAX_FRAME_BYTES = HEADER_BYTES + MAX_BODY_BYTES  # a reader that is told of more stands before garbage
CHAIN_BYTES = 32
GENERATION_BYTES = 8
CLEAN = "clean"
INCOMPLETE = "incomplete"
DAMAGED = "damaged"
_HEADER = ">IIQ32s"
_STEP = 4096  # bytes looked at together while searching
BATCH_MAGIC = b"TBB1"
MAX_BATCH_FRAMES = 65535  # the count is two bytes
_BATCH_HEADER_BYTES = 14
_POSITION_BYTES = 8 + CHAIN_BYTES  # a seq and the chain after it, in a hello


class Frame:
    """One record: its number, the chain up to and with it, and its body as written."""

    __slots__ = ("body", "chain", "seq")

    def __init__(self, seq: int, chain: bytes, body: bytes) -> None:
        self.seq = seq
        self.chain = chain
        self.body = body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frame) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __repr__(self) -> str:
        return f"Frame(seq={self.seq}, {len(self.body)} bytes)"

    def _facts(self) -> tuple[int, bytes, bytes]:
        return (self.seq, self.chain, self.body)


class Problem:
    """What stopped a scan: its `kind`, the offset, and the seq that was expected or None.

    "cut": the file ends inside a frame; "torn": zeros where the rest of a frame should be; "header": lengths
    that no frame has; "crc": a frame whose bytes changed; "gap": the seq is not the next one; "fork": the
    chain does not continue the one before.
    """

    __slots__ = ("kind", "offset", "seq")

    def __init__(self, kind: str, offset: int, seq: int | None) -> None:
        self.kind = kind
        self.offset = offset
        self.seq = seq

    def __repr__(self) -> str:
        return f"Problem({self.kind} at {self.offset}, seq {self.seq})"


class Scan:
    """The good beginning of a file: frames with their offsets, where it ends, and what follows it."""

    __slots__ = ("end", "frames", "offsets", "problem", "tail")

    def __init__(
        self, frames: list[Frame], offsets: list[int], end: int, tail: str, problem: Problem | None
    ) -> None:
        self.frames = frames
        self.offsets = offsets
        self.end = end
        self.tail = tail
        self.problem = problem


def chain_start(tenant: str, box: str, generation: bytes) -> bytes:
    """Return chain[0], which ties every later frame to one journal of one box."""
    _check_generation(generation)
    if "\x00" in tenant or "\x00" in box:
        raise CallerError("frame-name-wrong", "the name of a tenant or box holds a NUL")
    return hashlib.sha256(
        b"tillbox\x00" + tenant.encode() + b"\x00" + box.encode() + b"\x00" + generation
    ).digest()


def chain_next(chain: bytes, seq: int, body: bytes) -> bytes:
    """Return the chain with the record `seq` added to it."""
    return hashlib.sha256(chain + struct.pack(">Q", seq) + body).digest()


def encode_frame(seq: int, chain: bytes, body: bytes) -> bytes:
    """Return the bytes of one frame; `chain` is the chain with this record in it (see `chain_next`).

    >>> len(encode_frame(1, bytes(32), b"{}"))
    50
    """
    if not 1 <= len(body) <= MAX_BODY_BYTES:
        raise CallerError("frame-body-length", f"a body has 1 to {MAX_BODY_BYTES} bytes, not {len(body)}")
    if not 0 < seq <= MAX_SEQ:
        raise CallerError("frame-seq-wrong", "the seq of a frame is out of range")
    if len(chain) != CHAIN_BYTES:
        raise CallerError("frame-chain-length", f"a chain has {CHAIN_BYTES} bytes")
    rest = struct.pack(">Q", seq) + chain + body
    return struct.pack(">II", len(body), binascii.crc32(rest)) + rest


def decode_frame(data: bytes, offset: int = 0) -> tuple[Frame, int]:
    """Read the frame at `offset`; return it and the offset behind it.

    Raises PeerError: frame-incomplete (the data ends inside it), frame-length-wrong, frame-seq-wrong,
    frame-crc-wrong. The chain is not checked here: that needs the frame before.
    """
    view = memoryview(data)
    if len(view) - offset < HEADER_BYTES:
        raise PeerError("frame-incomplete", f"{len(view) - offset} bytes are left, less than a header")
    length, crc, seq, chain = struct.unpack_from(_HEADER, data, offset)
    if not 1 <= length <= MAX_BODY_BYTES:
        raise PeerError("frame-length-wrong", f"a body of {length} bytes cannot be")
    end = offset + HEADER_BYTES + length
    if end > len(view):
        raise PeerError("frame-incomplete", "the data ends inside the body")
    if binascii.crc32(view[offset + 8 : end]) != crc:
        raise PeerError("frame-crc-wrong", f"the checksum of the frame at offset {offset} is wrong")
    if not 0 < seq <= MAX_SEQ:
        raise PeerError("frame-seq-wrong", "the seq of a frame is out of range")
    return Frame(seq, chain, bytes(view[offset + HEADER_BYTES : end])), end


def check_links(frames: list[Frame], expected_seq: int, expected_chain: bytes) -> Problem | None:
    """Return the first gap or fork in `frames`, or None; `offset` of the problem is the index in the list.

    `expected_seq` is the number the first frame should have, `expected_chain` the chain before it.
    """
    for index, frame in enumerate(frames):
        if frame.seq != expected_seq:
            return Problem("gap", index, expected_seq)
        expected_chain = chain_next(expected_chain, frame.seq, frame.body)
        if frame.chain != expected_chain:
            return Problem("fork", index, expected_seq)
        expected_seq += 1
    return None


def scan(data: bytes, expected_seq: int | None = None, expected_chain: bytes | None = None) -> Scan:
    """Read frames from the start of `data` until the first that is not good, and say what the rest is.

    `expected_seq` is the number of the first frame and `expected_chain` the chain before it; when they are
    not given, the first frame is taken at its word. The tail is "clean" (nothing follows), "incomplete" (one
    write that did not finish: safe to cut if it was never known to be synced) or "damaged" (bytes changed,
    or good frames follow: use `salvage`).
    """
    view = memoryview(data)
    frames: list[Frame] = []
    offsets: list[int] = []
    at = 0
    size = len(view)
    while at < size:
        kind, frame, end = _look(data, view, at, size)
        if kind or frame is None:
            tail, kind = _judge_tail(data, view, at, kind)
            return Scan(frames, offsets, at, tail, Problem(kind, at, expected_seq))
        if expected_seq is not None and frame.seq != expected_seq:
            return Scan(frames, offsets, at, DAMAGED, Problem("gap", at, expected_seq))
        if expected_chain is not None and frame.chain != chain_next(expected_chain, frame.seq, frame.body):
            return Scan(frames, offsets, at, DAMAGED, Problem("fork", at, expected_seq))
        frames.append(frame)
        offsets.append(at)
        expected_seq = frame.seq + 1
        expected_chain = frame.chain
        at = end
    return Scan(frames, offsets, at, CLEAN, None)


def salvage(data: bytes, offset: int = 0):  # type: ignore[no-untyped-def]  # noqa: ANN201 - Iterator is not a builtin
    """Yield `(offset, frame)` for every frame from `offset` on whose checksum is right, in order of offset.

    After bytes that are no frame it goes on at the next offset where a whole frame decodes. Only offsets
    whose bytes could be a header (length and seq within bounds, which JSON text never is) cost a checksum,
    and zeros are skipped a page at a time, so the cost is linear in the file unless somebody made the file
    to be costly. Chains are not checked: the frame before may be the one that is lost; `check_links` tells.
    """
    view = memoryview(data)
    size = len(view)
    at = offset
    while at + HEADER_BYTES < size:
        kind, frame, end = _look(data, view, at, size)
        if not kind:
            yield at, frame
            at = end
        else:
            at = _next_candidate(view, at + 1, size)


def _look(data: bytes, view: memoryview, at: int, size: int) -> tuple[str, Frame | None, int]:
    """Try to read a frame at `at`: its problem or "", the frame or None, and the offset where it ends."""
    start = at + HEADER_BYTES
    if start > size:
        return "cut", None, size
    length, crc, seq, chain = struct.unpack_from(_HEADER, data, at)
    if not 0 < length <= MAX_BODY_BYTES or not 0 < seq <= MAX_SEQ:
        return "header", None, start
    end = start + length
    if end > size:
        return "cut", None, size
    if binascii.crc32(view[at + 8 : end]) != crc:
        return "crc", None, end
    return "", Frame(seq, chain, bytes(view[start:end])), end


def _judge_tail(data: bytes, view: memoryview, at: int, kind: str) -> tuple[str, str]:
    """Tell an unfinished write (last in the file, cut short or ending in zeros) from damage."""
    if kind == "cut":
        if len(view) - at > HEADER_BYTES and _is_whole_but_for_length(data, view, at):
            return DAMAGED, "header"
    elif _last_byte(view) < _claimed_end(data, at) - 1:
        kind = "torn"  # a body never ends in zero, so these bytes did not reach the disk
    else:
        return DAMAGED, kind
    for _found in salvage(data, at + 1):
        return DAMAGED, kind
    return INCOMPLETE, kind


def _is_whole_but_for_length(data: bytes, view: memoryview, at: int) -> bool:
    """Tell whether the rest of the file is a complete frame whose length field alone was changed."""
    crc: int = struct.unpack_from(">I", data, at + 4)[0]
    return binascii.crc32(view[at + 8 :]) == crc


def _claimed_end(data: bytes, at: int) -> int:
    """Return where the frame at `at` says that it ends; behind its header when its length cannot be."""
    length: int = struct.unpack_from(">I", data, at)[0]
    return at + HEADER_BYTES + length if 0 < length <= MAX_BODY_BYTES else at + 1


def _last_byte(view: memoryview) -> int:
    """Return the offset of the last byte that is not zero, or -1."""
    end = len(view)
    while end > 0:
        start = max(0, end - _STEP)
        kept = len(bytes(view[start:end]).rstrip(b"\x00"))
        if kept:
            return start + kept - 1
        end = start
    return -1


def _next_candidate(view: memoryview, at: int, size: int) -> int:
    """Return the next offset whose bytes could be a header, from `at` on; `size` if there is none.

    The three high bytes of a seq are zero (MAX_SEQ), which the text of a body never has; length is 1 to
    65536.
    """
    while at + HEADER_BYTES < size:
        window = bytes(view[at : at + _STEP])
        found = window.find(b"\x00\x00\x00", 8)
        while found >= 0:
            here = found - 8
            if window[here] == 0 and window[here + 1] <= 1 and window[here : here + 4] != b"\x00\x00\x00\x00":
                return at + here
            zeros_end = len(window) - len(window[here:].lstrip(b"\x00"))
            found = window.find(b"\x00\x00\x00", max(found + 1, zeros_end + 5))
        at += len(window) - 10
    return size


# --- batches


def encode_batch(generation: bytes, frames: list[bytes]) -> bytes:
    """Join encoded frames for the replica lane: "TBB1" | generation 8 | count u16 | frames.

    At least one frame; more only while they stay within MAX_BATCH_BYTES.
    """
    _check_generation(generation)
    size = sum([len(frame) for frame in frames])
    if not frames or len(frames) > MAX_BATCH_FRAMES or size - len(frames[-1]) > MAX_BATCH_BYTES:
        raise CallerError("batch-size-wrong", f"{len(frames)} frames of {size} bytes do not make a batch")
    return BATCH_MAGIC + generation + struct.pack(">H", len(frames)) + b"".join(frames)


def decode_batch(data: bytes) -> tuple[bytes, list[Frame]]:
    """Read a batch; return its generation and frames, which are empty for a hello (see `decode_hello`).

    Checksums are checked, links are not: `check_links` does that against what is stored. Raises PeerError:
    batch-too-large, batch-header-wrong, batch-trailing-bytes, and those of `decode_frame`.
    """
    generation, count = _batch_header(data)
    frames: list[Frame] = []
    if decode_hello(data):
        return generation, frames
    at = _BATCH_HEADER_BYTES
    for _ in range(count):
        frame, at = decode_frame(data, at)
        frames.append(frame)
    if at != len(data):
        raise PeerError("batch-trailing-bytes", f"{len(data) - at} bytes follow the last frame of a batch")
    return generation, frames


class Hello:
    """What a box holds of one generation: up to `last_seq`, where the chain is `chain`.

    Everything up to `gone_through`, where the chain was `gone_chain`, it had receipts for and holds no more; 0 when it
    says nothing of that.
    """

    __slots__ = ("chain", "generation", "gone_chain", "gone_through", "last_seq")

    def __init__(
        self, generation: bytes, last_seq: int, chain: bytes, gone_through: int = 0, gone_chain: bytes = b""
    ) -> None:
        self.generation = generation
        self.last_seq = last_seq
        self.chain = chain
        self.gone_through = gone_through
        self.gone_chain = gone_chain


def encode_hello(hello: Hello) -> bytes:
    """Write a hello: a batch of no frames | last seq u64 | chain 32, and gone through u64 | chain 32 if any are."""
    _check_generation(hello.generation)
    told = [(hello.last_seq, hello.chain)]
    if hello.gone_through:
        told.append((hello.gone_through, hello.gone_chain))
    for seq, chain in told:
        if not 0 <= seq <= MAX_SEQ or len(chain) != CHAIN_BYTES:
            raise CallerError("batch-hello-wrong", "a hello needs a seq in range and a chain of 32 bytes")
    positions = b"".join([struct.pack(">Q", seq) + chain for seq, chain in told])
    return BATCH_MAGIC + hello.generation + b"\x00\x00" + positions


def decode_hello(data: bytes) -> Hello | None:
    """Read a hello; None when `data` is a batch with frames."""
    generation, count = _batch_header(data)
    if count:
        return None
    size = len(data) - _BATCH_HEADER_BYTES
    if size not in (_POSITION_BYTES, 2 * _POSITION_BYTES):
        raise PeerError("batch-hello-wrong", f"a hello of {len(data)} bytes cannot be")
    last_seq, chain = struct.unpack_from(">Q32s", data, _BATCH_HEADER_BYTES)
    gone_through, gone_chain = 0, b""
    if size > _POSITION_BYTES:
        gone_through, gone_chain = struct.unpack_from(">Q32s", data, _BATCH_HEADER_BYTES + _POSITION_BYTES)
        if not 0 < gone_through <= last_seq:
            raise PeerError("batch-hello-wrong", "a hello says that more is gone than there was")
    if last_seq > MAX_SEQ:
        raise PeerError("batch-hello-wrong", "the seq of a hello is out of range")
    return Hello(generation, last_seq, chain, gone_through, gone_chain)


def _batch_header(data: bytes) -> tuple[bytes, int]:
    if len(data) > _BATCH_HEADER_BYTES + MAX_BATCH_BYTES + MAX_FRAME_BYTES:
        raise PeerError("batch-too-large", f"a batch of {len(data)} bytes is not read")
    if len(data) < _BATCH_HEADER_BYTES or bytes(data[:4]) != BATCH_MAGIC:
        raise PeerError("batch-header-wrong", "the bytes are not a batch")
    return bytes(data[4:12]), data[12] * 256 + data[13]


def _check_generation(generation: bytes) -> None:
    if len(generation) != GENERATION_BYTES:
        raise CallerError("frame-generation-length", f"a generation has {GENERATION_BYTES} bytes")
