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

# Items and catalogue
MAX_ITEM_NAME_BYTES = 200  # its size is one byte in a record; a receipt line shows at most 48 columns
MAX_UNIT_PRICE_MINOR = 4294967295  # u32 in a record: 42 million of a currency with two decimals
MAX_AGE_MIN = 99  # years; one byte in a record
MAX_LEVELS = 8  # price levels of one item: member, staff, wholesale and such; one byte counts their text
MAX_LEVEL_CHARS = 16  # name of a price level
MAX_CATALOGUE_ITEMS = 2000000  # seven times the large shop of the bench; 48 MB of records
MAX_OVERLAY_CHANGES = 5000  # urgent changes; beyond it a new image is the cheaper way
MAX_OVERLAY_BYTES = 8388608  # 8 MiB: that many changes with long names, facts and price levels

# Basket and receipt
MAX_BASKET_LINES = 1000  # voided ones too; the longest invoice of a real wholesale file has 675
MAX_QUANTITY = 99999  # of one line; the largest in a real wholesale file is 74,215
MAX_WEIGHT_G = 1000000  # one tonne: far above any retail scale
MAX_SUBTOTAL_MINOR = 100000000000  # with MAX_TAX_PPM on top the total still fits twelve digits
MAX_TAX_PPM = 4000000  # 400 %: above the highest excise levied by price
MAX_TAX_CLASSES = 26  # letters A to Z
MAX_RECEIPT_LINES = 300  # item lines on paper, about two metres; the rest are counted in one line
MAX_RECEIPT_BLOCKS = 1000  # of one document: all item lines with their quantities, and the rest
MAX_RECEIPT_TEXT_CHARS = 1000  # of one block; a legal footer has some hundreds
MAX_RECEIPT_FIXED_LINES = 40  # header or footer of a shop; both and all item lines fit a document
MIN_RECEIPT_WIDTH = 16  # columns; the narrowest paper we print on has 24, doubled letters need half of 32
MAX_RECEIPT_WIDTH = 80  # columns; 80 mm paper has 48, a page in fixed pitch 80

# JSON
MAX_JSON_BYTES = 65536  # one frame body or one lane message; larger texts are never legitimate
MAX_JSON_DEPTH = 16  # records nest three deep, configuration six; far below what recursion can bear

# Frames, batches and seals
MAX_BODY_BYTES = 65536  # the architecture's bound on one record
MAX_BATCH_BYTES = 65536  # frames in a batch before the one that closes it; with it the most is twice this
MAX_SEQ = 1099511627775  # 2**40 - 1: a thousand records a second for 34 years; no stored number needs more
MAX_SEALED_BYTES = 262144  # what a reader takes off a lane before looking at the seal

# Records and lane messages
MAX_TIME_MS = 8796093022207  # 2**43 - 1: the year 2248; a clock beyond it is garbage, not merely wrong
MAX_TEXT_CHARS = 200  # a reason, a name, a version: longer text is not for people at a till
MAX_TENDERS = 16  # a person splits a payment in two or three
MAX_SEALED_CARD_BYTES = 4096  # an encrypted card with chip data is below 1 KiB
MAX_REQUEST_FRAME_BYTES = 8192  # the frame of one intention is below 1 KiB
MAX_CODE_WORD_CHARS = 64  # a software version, the id of a person or a device
MAX_COPIES = 99  # reprints of one receipt
MAX_ENGINE = 9999  # numbers of pricing engines; there will be a handful
MAX_DEVICES = 32  # devices that one box reports

# Configuration
MAX_CONFIGURATION_BYTES = 65536  # two hundred staff with their PIN hashes are below 50 KiB
MAX_CONFIGURATION_VERSION = 1073741823  # 2**30 - 1: a push a second for 34 years
MAX_CONFIGURATION_STEP = (
    10000  # pushes that a box may miss while away; a stolen key cannot use up the numbers
)
MAX_CONFIGURATION_VALIDITY_MS = 31622400000  # 366 days: a document must not wait for ever to be replayed
