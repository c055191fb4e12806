"""What was trained on: releases of data sets, their splits and their contracts."""

from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "taggedimages.datasets"
    label = "datasets"

    def ready(self) -> None:
        """Have those asked who hold files, and searches for what breaks contracts answered."""
        # Models are there only now.
        from images import holds
        from search.query import conditions
        from taggedimages.datasets import holding
        from taggedimages.datasets.contracts.condition import FAILING

        holds.register(holding.held)
        conditions.register("failing", FAILING)
