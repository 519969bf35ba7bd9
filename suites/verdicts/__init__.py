"""Workers whose defects are known: each is found and named rightly, and the correct ones never."""
