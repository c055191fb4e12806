"""Attacks a running service from outside, with figures of what was sent and what came back.

`python -m benchmarks.attacks COMMAND` is aimed at a service of one's own that holds nothing of
worth: most commands make records in it, change them and delete them.
"""
