-- What an operator asked for by command and the running cloud takes up: parked records replayed, prices checked again.

CREATE TABLE repair_request (
    tenant TEXT NOT NULL,
    request TEXT NOT NULL,                -- random, made by the command that asks
    shard TEXT NOT NULL,
    kind TEXT NOT NULL,                   -- replay, recheck
    state TEXT NOT NULL,                  -- waiting, done
    mended BIGINT NOT NULL,               -- records booked, or sales whose price is checked
    asked_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,             -- 0 while it waits
    PRIMARY KEY (tenant, request)
);
CREATE INDEX repair_request_waiting ON repair_request (asked_ms) WHERE state = 'waiting';
