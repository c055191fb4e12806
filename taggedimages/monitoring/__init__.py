"""What those who run the service are told of it: numbers to scrape, and lines to read.

`series` has all that is counted while it happens, `state` what is asked of the database when
somebody scrapes, `exposition` puts both together. `request_ids` says which request is served,
`jobs` counts and tells what the worker does, `logs` writes lines and `cutting` keeps secrets out of
them. None of the domain is known to what is counted and logged with.
"""
