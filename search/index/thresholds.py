"""The sizes at which the index and its planner change their ways, as one value that is handed on.

Costs in microseconds are in `search.planner.costs`. Nobody who runs the service has a reason to
change any of these; tests do, so that a dozen images have bitmaps, and pass another value.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Sizes, in what each name says."""

    # A tag gets bitmaps, and is dense, beyond so many links, and beyond one for so many image ids.
    dense_min_links: int = 1_024
    dense_image_ids_per_link: int = 256
    # Values of a field that are terms; what asks for others goes by rows.
    field_values_max: int = 1_000
    # Pending changes that one merge takes in: it holds them in memory and blocks nobody.
    merge_batch_changes: int = 5_000
    # Blocks named by the merge log: whoever cached counts reads all that are named since.
    merge_log_blocks: int = 1_000
    # Tags on images that all patterns of a search may stand for; beyond, images are judged by row.
    pattern_tags_max: int = 150_000
    # Tags of which each is looked up for an image; of more, the image's tags are, in a hash table.
    probed_tags_max: int = 8
    # Images whose links are read for facets rather than counted by bitmaps: so many, or one in so
    # many of all: what both take grows with all images alike.
    facet_images_by_links_max: int = 2_000
    facet_images_by_links_one_in: int = 25
    # Images whose links are read for all of their tags, and for a page of these, rather than one
    # link looked for of each tag.
    used_tags_by_links_max: int = 20_000
    page_of_tags_by_links_max: int = 5_000
    # Tags that facets list.
    facet_tags_max: int = 100
    # Matches that the count cache keeps one by one.
    cached_ids_max: int = 2_000
    # Lines of the ledger since an instant, and images that came since, up to which today's index is
    # asked, and they are taken back.
    past_lines_max: int = 500
    # Images with some tags then that are judged one by one for others, and for all else that is
    # asked; and images of which pages are made by looking each up.
    past_probed_max: int = 500
    past_rows_max: int = 2_000
    past_ids_max: int = 20_000
    # Links that are counted in rows rather than by bitmaps, whatever both cost; None: by the costs.
    links_counted_by_rows_max: int | None = None
    # Matches from which the first in the order of a number are told by bitmaps, whatever that and
    # walking the order cost; None: by the costs.
    top_n_matches_min: int | None = None


DEFAULT = Thresholds()
