-- An approved attempt whose sale is open is due once, 15 minutes after its approval. Those of before are due like others.

UPDATE payment_attempt SET due_ms = answered_ms + 900000 WHERE state = 'approved' AND sale = 'open' AND due_ms = 0;
