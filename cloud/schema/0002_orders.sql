-- Sales as the boxes tell them, priced again by the cloud.

CREATE TABLE sale_order (
    tenant TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    shard TEXT NOT NULL,
    store TEXT NOT NULL,
    box TEXT NOT NULL,
    generation TEXT NOT NULL,
    first_seq BIGINT NOT NULL,            -- its records stand between these two in the replica
    last_seq BIGINT NOT NULL,
    state TEXT NOT NULL,
    currency TEXT NOT NULL,
    engine BIGINT NOT NULL,
    catalogue TEXT NOT NULL,
    overlay TEXT NOT NULL,
    promotions TEXT NOT NULL,
    taxes TEXT NOT NULL,
    language TEXT NOT NULL,
    opened_ms BIGINT NOT NULL,
    priced_at_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    ended_generation TEXT NOT NULL,       -- where its sale_completed or sale_voided record stands
    ended_seq BIGINT NOT NULL,
    business_day TEXT NOT NULL,
    total_minor BIGINT NOT NULL,
    net_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    line_count BIGINT NOT NULL,
    price_check TEXT NOT NULL,            -- none, right, priced_wrong, price-not-checked
    flags TEXT NOT NULL,                  -- words separated by spaces
    PRIMARY KEY (tenant, order_id)
);
CREATE INDEX sale_order_unchecked ON sale_order (tenant, price_check) WHERE price_check = 'price-not-checked';

CREATE TABLE order_line (
    tenant TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    line BIGINT NOT NULL,
    shard TEXT NOT NULL,
    gtin TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    weight_g BIGINT NOT NULL,
    unit_price_minor BIGINT NOT NULL,
    tax_class TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    source TEXT NOT NULL,
    is_voided BIGINT NOT NULL,
    voided_by TEXT NOT NULL,
    PRIMARY KEY (tenant, order_id, line)
);

CREATE TABLE order_tender (
    tenant TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    shard TEXT NOT NULL,
    payment BIGINT NOT NULL,
    method TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    outcome TEXT NOT NULL,                -- intended, approved, declined, unknown, reversed
    tendered_minor BIGINT NOT NULL,
    change_minor BIGINT NOT NULL,
    masked TEXT NOT NULL,
    brand TEXT NOT NULL,
    reason TEXT NOT NULL,
    intended_ms BIGINT NOT NULL,
    answered_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, order_id, attempt)
);
