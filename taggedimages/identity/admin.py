"""Users, projects and their credentials in the admin; secrets are never shown."""

from typing import ClassVar, TypeVar

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from taggedimages.identity.models import Project, SigningKey, Token, User


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    """Tenants."""

    list_display = ("id", "created_at")
    search_fields = ("id",)


@admin.register(User)
class ProjectUserAdmin(UserAdmin[User]):
    """Users, with the project that they belong to."""

    list_display = ("username", "project", "is_staff", "is_active")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Project", {"fields": ("project",)}))


Credential = TypeVar("Credential", Token, SigningKey)


class CredentialAdmin(admin.ModelAdmin[Credential]):
    """Seen and revoked here; issued by `manage.py credentials`, which shows secrets once."""

    list_select_related = ("user",)
    search_fields = ("user__username",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("user", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Token)
class TokenAdmin(CredentialAdmin[Token]):
    """Bearer tokens."""

    list_display = ("id", "user", "created_at", "expires_at", "revoked_at")


@admin.register(SigningKey)
class SigningKeyAdmin(CredentialAdmin[SigningKey]):
    """Keys that sign requests."""

    list_display = ("key_id", "kind", "user", "created_at", "revoked_at")
    readonly_fields = ("user", "created_at", "kind", "key_id")
