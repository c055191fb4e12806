"""What only /v1 says, in whichever app: pages, ids, errors, OpenAPI (contract TIM).

Views, serializers and routes are in `images/v1`, `tags/v1` and `search/v1`.
"""

# How the ledger calls what came through this API.
SOURCE = "v1"
