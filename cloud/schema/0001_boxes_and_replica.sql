-- Who may speak (box), what was heard (replica), what could not be booked or believed, and what is still to be said.
-- `tenant` leads every primary key; `shard` is the two hex digits of the tenant's shard. Times are UTC milliseconds.

CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO installation (name, number) VALUES ('epoch', 1);

CREATE TABLE box (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    store TEXT NOT NULL,
    shard TEXT NOT NULL,
    box_number BIGINT NOT NULL,
    status TEXT NOT NULL,                 -- serving, quarantined, revoked
    status_reason TEXT NOT NULL,
    certificate_serial TEXT NOT NULL,
    up_key BYTEA NOT NULL,                -- 32 bytes: seals what the box says
    down_key BYTEA NOT NULL,              -- 32 bytes: seals what it is told
    enrolled_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, box),
    UNIQUE (tenant, box_number)
);

CREATE TABLE replica_position (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    generation TEXT NOT NULL,             -- 16 hex digits
    shard TEXT NOT NULL,
    through BIGINT NOT NULL,              -- the last frame stored
    chain BYTEA NOT NULL,                 -- its chain value
    state TEXT NOT NULL,                  -- following, forked
    opened_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, box, generation)
);

CREATE TABLE replica_frame (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    generation TEXT NOT NULL,
    seq BIGINT NOT NULL,
    shard TEXT NOT NULL,
    chain BYTEA NOT NULL,
    body BYTEA NOT NULL,                  -- the bytes as the box wrote them
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, box, generation, seq)
);

CREATE TABLE parked_record (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    generation TEXT NOT NULL,
    seq BIGINT NOT NULL,
    shard TEXT NOT NULL,
    order_id BIGINT NOT NULL,             -- 0 when the body does not tell
    code TEXT NOT NULL,
    what TEXT NOT NULL,
    state TEXT NOT NULL,                  -- parked, booked
    tries BIGINT NOT NULL,
    parked_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, box, generation, seq)
);
CREATE INDEX parked_record_of_order ON parked_record (tenant, order_id);

CREATE TABLE set_aside (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,                 -- SHA-256 of topic and payload: the same message is set aside once
    shard TEXT NOT NULL,
    box TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload BYTEA NOT NULL,
    code TEXT NOT NULL,
    what TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);

CREATE TABLE security_event (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    kind TEXT NOT NULL,
    shard TEXT NOT NULL,
    times BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, box, kind)
);

CREATE TABLE alarm (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,                -- what it is about: an order, an attempt, a box
    shard TEXT NOT NULL,
    detail TEXT NOT NULL,
    raised_ms BIGINT NOT NULL,
    settled_ms BIGINT NOT NULL,           -- 0 while open
    PRIMARY KEY (tenant, kind, subject)
);

CREATE TABLE outbox (
    tenant TEXT NOT NULL,
    message TEXT NOT NULL,
    shard TEXT NOT NULL,
    box TEXT NOT NULL,
    lane TEXT NOT NULL,
    payload BYTEA NOT NULL,               -- before sealing
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, message)
);
