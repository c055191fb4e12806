"""The tags of images and the vocabulary as they were at an instant, read from the ledgers.

The state at an instant is what all lines up to it have made. Where there is no line to tell, it is
as it has been since: a corpus that was loaded without a ledger is right that way, too.
"""
