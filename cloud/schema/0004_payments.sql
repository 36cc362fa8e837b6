-- Every attempt to move money through a channel, from intention to its end. No card data but masked number and token.

CREATE TABLE payment_attempt (
    tenant TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    shard TEXT NOT NULL,
    store TEXT NOT NULL,
    box TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    payment BIGINT NOT NULL,
    state TEXT NOT NULL,                  -- protocol/payment
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    intention_digest TEXT NOT NULL,       -- of the intention's body: same id, other body is refused
    masked TEXT NOT NULL,
    brand TEXT NOT NULL,
    token TEXT NOT NULL,
    approval_code TEXT NOT NULL,
    rrn TEXT NOT NULL,
    response_code TEXT NOT NULL,
    reason TEXT NOT NULL,
    deadline_ms BIGINT NOT NULL,
    intended_ms BIGINT NOT NULL,
    requested_ms BIGINT NOT NULL,
    answered_ms BIGINT NOT NULL,
    reversed_ms BIGINT NOT NULL,
    reversal_reason TEXT NOT NULL,        -- "" while nobody wants it undone
    approvals BIGINT NOT NULL,            -- booked in the ledger
    reversals BIGINT NOT NULL,            -- booked in the ledger
    sale TEXT NOT NULL,                   -- what the replica says of its sale: open, completed, voided
    box_outcome TEXT NOT NULL,            -- what the replica says of the tender
    due_ms BIGINT NOT NULL,               -- when the poller looks again; 0 is never
    tries BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, attempt)
);
CREATE INDEX payment_attempt_due ON payment_attempt (due_ms) WHERE due_ms > 0;
CREATE INDEX payment_attempt_of_order ON payment_attempt (tenant, order_id);
