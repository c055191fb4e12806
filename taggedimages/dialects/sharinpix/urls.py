"""Routes of this API."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
