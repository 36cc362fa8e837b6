-- What boxes are told to be (documents, desired) and what they say they are (report). Groups are names for several.

CREATE TABLE configuration_document (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    version BIGINT NOT NULL,              -- rises by box
    shard TEXT NOT NULL,
    group_name TEXT NOT NULL,             -- the group that it was pushed to, or empty
    digest TEXT NOT NULL,                 -- SHA-256 of the document, which the box names in its answer
    payload BYTEA NOT NULL,               -- signed, before sealing
    state TEXT NOT NULL,                  -- sent, applied, refused, reverted, superseded, expired
    reason TEXT NOT NULL,
    issued_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    answered_ms BIGINT NOT NULL,          -- 0 before the first answer
    PRIMARY KEY (tenant, box, version)
);
CREATE INDEX configuration_document_of_push ON configuration_document (tenant, issued_ms);

CREATE TABLE configuration_desired (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    shard TEXT NOT NULL,
    version BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,              -- when it is published next; 0 when nothing is to be said
    sent_ms BIGINT NOT NULL,              -- when it was published first
    PRIMARY KEY (tenant, box)
);
CREATE INDEX configuration_due ON configuration_desired (next_ms) WHERE next_ms > 0;

CREATE TABLE box_report (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    shard TEXT NOT NULL,
    is_online BIGINT NOT NULL,
    config_version BIGINT NOT NULL,
    told TEXT NOT NULL,                   -- the last state that the box told while online, JSON
    reported_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, box)
);

CREATE TABLE box_group (
    tenant TEXT NOT NULL,
    group_name TEXT NOT NULL,
    box TEXT NOT NULL,
    PRIMARY KEY (tenant, group_name, box)
);
