"""The admin's first page: what needs a look."""
