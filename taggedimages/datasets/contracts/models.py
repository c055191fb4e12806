"""Contracts: rules that the tags of images have to keep, every version of them, and reports."""

from django.db import models
from django.db.models.functions import Now

from taggedimages.identity.models import Project, User


class Severity(models.TextChoices):
    """What it means where a contract is broken: a release is refused, or warned of."""

    ERROR = "error"
    WARNING = "warning"


class Contract(models.Model):
    """A contract by its name in a project; what it says is in its latest version."""

    # Of [a-z0-9][a-z0-9-]{0,62}.
    name = models.CharField(max_length=63)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    # Who made it. None with the name `anonymous`: whoever came without a login.
    author = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    author_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # When it was given up; its versions stay.
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="contract_once_in_project")
        ]

    def __str__(self) -> str:
        return self.name


class ContractVersion(models.Model):
    """What a contract said from then on: for which images, and which rules."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="versions")
    # From 1.
    version = models.PositiveIntegerField()
    # The conditions as they were sent, and as search understands them (`changes.questions`).
    when = models.JSONField()
    question = models.JSONField()
    rules = models.JSONField()
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.ERROR)
    # Of one rule, up to which it passes.
    max_failures = models.BigIntegerField(default=0)
    author = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    author_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "version"], name="contract_version_once")
        ]

    def __str__(self) -> str:
        return f"version {self.version} of contract {self.contract_id}"


class ContractReport(models.Model):
    """The latest report of a nightly look at a contract, over what every member of its project is
    shown."""

    contract = models.OneToOneField(
        Contract, on_delete=models.CASCADE, primary_key=True, related_name="latest_report"
    )
    version = models.PositiveIntegerField()
    # As /v1 shows it; null where there is none for some `problem`.
    report = models.JSONField(null=True)
    problem = models.TextField(default="", blank=True)
    checked_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"report on contract {self.contract_id}"
