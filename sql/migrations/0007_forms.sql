-- What accounts, end-users and machines are unique by is computed otherwise since: the program does
-- it, in the transaction of this step (src/iam/forms.c).
SELECT 1;
