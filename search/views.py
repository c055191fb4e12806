"""/v1/search (contract TIM)."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from images.models import Image
from images.serializers import ImageRecordSerializer
from images.views import with_tags
from search.parameters import SearchParameters, search_query
from search.query import find
from taggedimages.api.pagination import paged


class SearchViewSet(GenericViewSet[Image]):
    """Images by their tags."""

    serializer_class = ImageRecordSerializer

    @extend_schema(summary="Find images by tags, newest first", parameters=[SearchParameters])
    def list(self, request: Request) -> Response:
        images = with_tags(find(search_query(request), request.user))
        return paged(images, request, ImageRecordSerializer)
