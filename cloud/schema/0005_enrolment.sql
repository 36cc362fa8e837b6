-- Every enrolment there ever was: a number of a tenant is used once, for one box, with one certificate.

CREATE TABLE enrolment (
    tenant TEXT NOT NULL,
    box_number BIGINT NOT NULL,
    box TEXT NOT NULL,
    store TEXT NOT NULL,
    shard TEXT NOT NULL,
    client_id TEXT NOT NULL,              -- also the common name of the certificate
    certificate_serial TEXT NOT NULL,
    enrolled_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,             -- 0 while it holds; revoked, or followed by a newer one
    PRIMARY KEY (tenant, box_number)
);
CREATE INDEX enrolment_open ON enrolment (ended_ms);
CREATE INDEX box_changed ON box (changed_ms);
