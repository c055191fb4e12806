"""Users, projects and their credentials in the admin; secrets are never shown.

Staff of a project have to do with their own, superusers with all (docs/security.md).
"""

from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission
from django.db import DataError, ProgrammingError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from images.visibility import Viewer
from taggedimages.identity.models import Project, SigningKey, Token, User

admin.site.unregister(Group)


def project_of_staff(request: HttpRequest) -> str | None:
    """The project that somebody in the admin has to do with; None: all, as superusers have."""
    user = _user_of(request)
    return None if user.is_superuser else str(user.project_id)


def viewer_of_staff(request: HttpRequest) -> Viewer:
    """As whom somebody looks in the admin: a superuser is shown all images, other staff those of
    their project and no others, whoever may see them elsewhere."""
    project = project_of_staff(request)
    if project is None:
        return Viewer(audiences=None)
    # Tags of no image are shown to whoever made them.
    return Viewer(audiences=None, project=project, owner=_user_of(request).pk)


def may_change(changer: User, user: User) -> bool:
    """Whether somebody may be let to change a user: their password gives all that they may do.

    So nobody but superusers changes who may do more than themselves, were it as somebody inactive.
    """
    if changer.is_superuser:
        return True
    return not user.is_superuser and set(_held_by(user)) <= set(_held_by(changer))


def _held_by(user: User) -> QuerySet[Permission]:
    """What a user was given, by groups or not, whether active or not. No superuser needs any."""
    held = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return held.order_by().distinct()


def _user_of(request: HttpRequest) -> User:
    # The admin lets nobody else in.
    assert isinstance(request.user, User)
    return request.user


# What Django, the driver and the database say of look-ups that make no sense.
UNANSWERED = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    DataError,
    ProgrammingError,
)


class FoundOrRefused(ChangeList):
    """A list whose parameters make look-ups: any that cannot be answered is told as an unknown one.

    Django asks the database only while it writes the page, too late for that.
    """

    def get_results(self, request: HttpRequest) -> None:
        try:
            # Apart, so that what the database refuses breaks nothing else.
            with transaction.atomic():
                super().get_results(request)
                # Fetched here, and kept by the queryset.
                len(self.result_list)
        except UNANSWERED as error:
            if not self.get_filters_params():
                raise
            raise IncorrectLookupParameters(error) from error


class GuardedLists:
    """Of a ModelAdmin: no address of its list is answered 5xx."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FoundOrRefused


class ForSuperusers(GuardedLists):
    """Of a ModelAdmin: who adds and deletes; what is there may be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _user_of(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _user_of(request).is_superuser


class NamedFilters:
    """Of a ModelAdmin: what filters its long lists of choices has a name that is read out."""

    class Media:
        js = ("taggedimages/admin/named_filters.js",)


@admin.register(Group)
class SuperusersGroupAdmin(NamedFilters, ForSuperusers, GroupAdmin):
    """Groups, of all projects: whoever could change one could give themselves anything."""

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _user_of(request).is_superuser

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return _user_of(request).is_superuser


@admin.register(Project)
class ProjectAdmin(ForSuperusers, admin.ModelAdmin[Project]):
    """Tenants."""

    list_display = ("id", "created_at")
    search_fields = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        project = project_of_staff(request)
        projects = super().get_queryset(request)
        return projects if project is None else projects.filter(pk=project)

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        # Saved under another id, it would be another project.
        return ["id"] if obj else []


@admin.register(User)
class ProjectUserAdmin(NamedFilters, GuardedLists, UserAdmin[User]):
    """Users, with the project that they belong to."""

    list_display = ("username", "project", "is_staff", "is_active")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Project", {"fields": ("project",)}))

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        project = project_of_staff(request)
        users = super().get_queryset(request)
        return users if project is None else users.filter(project=project)

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        usual = ("is_staff", "is_superuser", "is_active")
        return (*usual, "groups") if project_of_staff(request) is None else usual

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return () if project_of_staff(request) is None else ("is_superuser", "project")

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[User]]:
        """The form; whoever is no superuser gives what they have, and leaves what there is."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if project_of_staff(request) is not None:
            fields: Any = form.base_fields
            who = [one.pk for one in (_user_of(request), obj) if one]
            if "groups" in fields:
                fields["groups"].queryset = Group.objects.filter(user__in=who).distinct()
            if "user_permissions" in fields:
                given = Q(pk__in=_held_by(_user_of(request))) | Q(user__in=who)
                fields["user_permissions"].queryset = Permission.objects.filter(given).distinct()
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        project = project_of_staff(request)
        if not change and project is not None:
            obj.project_id = project
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_change(_user_of(request), obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or may_change(_user_of(request), obj))


Credential = TypeVar("Credential", Token, SigningKey)


class CredentialAdmin(GuardedLists, admin.ModelAdmin[Credential]):
    """Seen and revoked here; issued by `manage.py credentials`, which shows secrets once."""

    list_select_related = ("user",)
    search_fields = ("user__username",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("user", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        project = project_of_staff(request)
        credentials = super().get_queryset(request)
        return credentials if project is None else credentials.filter(user__project=project)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_change(_user_of(request), obj.user))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or may_change(_user_of(request), obj.user))


@admin.register(Token)
class TokenAdmin(CredentialAdmin[Token]):
    """Bearer tokens."""

    list_display = ("id", "user", "created_at", "expires_at", "revoked_at")


@admin.register(SigningKey)
class SigningKeyAdmin(CredentialAdmin[SigningKey]):
    """Keys that sign requests."""

    list_display = ("key_id", "kind", "user", "created_at", "revoked_at")
    readonly_fields = ("user", "created_at", "kind", "key_id")
