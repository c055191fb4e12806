"""How a query is answered: a Query and a viewer come in, an AccessPath goes out.

`resolution` looks names up and learns how many links each tag has; `paths` chooses, by `costs`,
what count, page, stream and facets then follow.
"""
