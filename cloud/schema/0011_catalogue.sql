-- What a tenant sells and for how much (items, prices, rules in force), and what was published of it to whom.
-- Published versions themselves are files on the shelf, by hash. A store of '' means every store of the tenant.

CREATE TABLE catalogue_item (
    tenant TEXT NOT NULL,
    gtin TEXT NOT NULL,                   -- 14 digits
    shard TEXT NOT NULL,
    name TEXT NOT NULL,
    tax_class TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- unit, weight
    age_min BIGINT NOT NULL,
    facts TEXT NOT NULL,                  -- category, brand, tags, attributes, as an image stores them
    is_sold BIGINT NOT NULL,              -- 0: withdrawn, it is in no image
    PRIMARY KEY (tenant, gtin)
);

CREATE TABLE catalogue_price (
    tenant TEXT NOT NULL,
    gtin TEXT NOT NULL,
    store TEXT NOT NULL,
    currency TEXT NOT NULL,
    level TEXT NOT NULL,                  -- '' is the list price; member, staff, ...
    from_ms BIGINT NOT NULL,              -- 0: always
    until_ms BIGINT NOT NULL,             -- 0: for ever
    shard TEXT NOT NULL,
    price_minor BIGINT NOT NULL,
    PRIMARY KEY (tenant, gtin, store, currency, level, from_ms)
);

CREATE TABLE catalogue_rule (
    tenant TEXT NOT NULL,
    store TEXT NOT NULL,
    part TEXT NOT NULL,                   -- taxes, promotions
    from_ms BIGINT NOT NULL,
    shard TEXT NOT NULL,
    digest TEXT NOT NULL,                 -- of the document, '' for none
    document BYTEA NOT NULL,
    PRIMARY KEY (tenant, store, part, from_ms)
);

CREATE TABLE publication (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,               -- rises by tenant
    store TEXT NOT NULL,
    shard TEXT NOT NULL,
    payload BYTEA NOT NULL,               -- signed, before sealing
    plan TEXT NOT NULL,                   -- the sets of versions it names, JSON
    issued_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    approved_by TEXT NOT NULL,            -- a second person, where prices looked doubtful
    PRIMARY KEY (tenant, number)
);
CREATE INDEX publication_of_store ON publication (tenant, store, number);

CREATE TABLE publication_version (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,                 -- whose boxes may fetch this version
    part TEXT NOT NULL,
    shard TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant, digest)
);

CREATE TABLE publication_box (
    tenant TEXT NOT NULL,
    box TEXT NOT NULL,
    shard TEXT NOT NULL,
    number BIGINT NOT NULL,               -- what it should hold
    state TEXT NOT NULL,                  -- sent, taken, applied, delayed, refused
    reason TEXT NOT NULL,
    held BIGINT NOT NULL,                 -- what it last said to hold
    tries BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,              -- when it is announced next; 0 when nothing is to be said
    sent_ms BIGINT NOT NULL,              -- when it was announced last
    answered_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, box)
);
CREATE INDEX publication_box_due ON publication_box (next_ms) WHERE next_ms > 0;
