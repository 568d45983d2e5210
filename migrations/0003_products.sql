-- Numbers of what the lender adds. Products 1 to 5 are in every ledger. Branches begin at 1; the demo data has some of
-- the first, and whoever draws a number that is taken draws again.

create sequence journal.product_number start with 6;
create sequence journal.branch_number;

grant usage on sequence journal.product_number, journal.branch_number to lumbung_app;
