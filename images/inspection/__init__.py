"""What the bytes of a file say: run in a child process only, on files that nobody can trust.

Nothing here knows Django, the database or the network, so that the child holds none of them.
"""
