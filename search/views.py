"""/v1/search, and how every list of images of /v1 is answered (contract TIM)."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.models import Image
from images.serializers import ImageRecordSerializer, records_of
from search import results
from search.parameters import SearchParameters, search_query
from search.query import Query
from taggedimages.api.pagination import PageParameters, page_of


class SearchViewSet(GenericViewSet[Image]):
    """Images by their tags."""

    serializer_class = ImageRecordSerializer

    @extend_schema(summary="Find images by tags, newest first", parameters=[SearchParameters])
    def list(self, request: Request) -> Response:
        return browse(request, search_query(request))


def browse(request: Request, query: Query) -> Response:
    """The page of what a query finds that the request asks for. Raises ValidationError."""
    asked = PageParameters(data=request.query_params)
    asked.is_valid(raise_exception=True)
    number, limit = asked.validated_data["page"], asked.validated_data["limit"]
    found = results.page(query, request.user, limit, number * limit)
    return Response(page_of(records_of(found.records), number, limit, found.total))
