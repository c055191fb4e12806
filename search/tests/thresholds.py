"""Thresholds at which the few images of a test are many."""

from dataclasses import replace

from search.index.thresholds import Thresholds

# Every tag of two images is dense once it was merged, and bitmaps are used wherever they can be.
SMALL = Thresholds(
    dense_min_links=1,
    dense_image_ids_per_link=10**12,
    probed_tags_max=1,
    facet_images_by_links_max=0,
    facet_images_by_links_one_in=10**12,
    links_counted_by_rows_max=0,
    top_n_matches_min=1,
)
# No tag is dense by itself.
SPARSE = replace(SMALL, dense_min_links=10**9)
