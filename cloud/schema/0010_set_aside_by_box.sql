-- How many messages of one box were set aside is looked up at each of them: a box keeps a bounded number.

CREATE INDEX set_aside_of_box ON set_aside (tenant, box);
