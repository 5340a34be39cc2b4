"""The identity store of CLEO: which agents exist, what they can do, how they prove it."""
