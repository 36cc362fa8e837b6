"""Every bound on what travels or is read, as a named number with its reason.

Sorted by part. A bound that only one module outside `protocol/` needs stays in that module. When a bound is
reached the reader refuses with a named error; nothing is cut short in silence.
"""

# Integers
MAX_INTEGER = 9223372036854775807  # 2**63 - 1: what a database integer and a 63-bit id hold

# Money
MAX_AMOUNT_MINOR = 999999999999  # twelve digits: field 4 of an ISO 8583 message holds no more
MAX_AMOUNT_CHARS = 24  # sign, nineteen digits, point and some; a longer text is not an amount
MAX_SHARES = 10000  # parts of one allocation; the longest basket or split is far below

# Topics
MAX_NAME_CHARS = 32  # one level of a topic; keeps a whole topic below 160 bytes
MAX_TOPIC_CHARS = 160  # tb1, shard, three names, direction and lane come to at most 124
SHARDS = 64  # fixed by the architecture: one byte as two hex digits, room to spread over 64 processes

# Product codes
MAX_CODE_CHARS = 512  # the longest GS1 label a till meets is below 200; a 4 KB QR code is no product code
MAX_GS1_ELEMENTS = 24  # a retail label carries fewer than ten
MAX_GS1_VALUE_CHARS = 90  # the longest value GS1 allots to any application identifier

# Masking
MIN_PAN_DIGITS = 12  # the shortest card number in use (Maestro)
MAX_PAN_DIGITS = 19  # ISO/IEC 7812-1

# Packets on local links
MAX_PACKET_BYTES = 262144  # 256 KiB: a request with frame (64 KiB) and blobs, in base64, with room to spare
