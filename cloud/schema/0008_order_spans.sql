-- Where records of an order stand in further generations of its box's journal, after a salvage or a renewal of it.
-- Most orders have none: the generation that opened an order is in sale_order.

CREATE TABLE order_span (
    tenant TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    shard TEXT NOT NULL,
    generation TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    PRIMARY KEY (tenant, order_id, generation)
);
