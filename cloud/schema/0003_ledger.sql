-- Double entry, append-only. Debits are positive, credits negative; the postings of an entry sum to zero.

CREATE TABLE ledger_entry (
    tenant TEXT NOT NULL,
    entry TEXT NOT NULL,                  -- made from what it books, so the same thing is booked once
    shard TEXT NOT NULL,
    kind TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    currency TEXT NOT NULL,
    business_day TEXT NOT NULL,
    happened_ms BIGINT NOT NULL,
    booked_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant, entry)
);
CREATE INDEX ledger_entry_of_order ON ledger_entry (tenant, order_id);

CREATE TABLE ledger_posting (
    tenant TEXT NOT NULL,
    entry TEXT NOT NULL,
    number BIGINT NOT NULL,
    shard TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    PRIMARY KEY (tenant, entry, number)
);

CREATE TABLE ledger_balance (
    tenant TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    shard TEXT NOT NULL,
    balance_minor BIGINT NOT NULL,
    PRIMARY KEY (tenant, account, currency)
);
