"""The ledger of years of use, beside the links of a corpus that is being loaded.

Every link was made with its image. Some were taken away since and made again, once or twice; and
images had other tags, as common as those of today, that are gone. Of the lines beside the first of
each link half are of either kind, at times that are even from the image's creation to an hour
before the load. One tag in a hundred was renamed once. The same corpus gets the same lines, but for
that hour.
"""

# Lines of a link beside that of its making, as curators were modelled.
USUAL = 1.5

# From 0 to 1, by what draws: a link draws up to 16 numbers.
CHANCE = """
CREATE OR REPLACE FUNCTION pg_temp.chance(image bigint, tag bigint, draw int)
RETURNS double precision LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(image, tag * 16 + draw) & 1048575) / 1048576.0::double precision
"""

VOCABULARY = """
WITH born AS (SELECT to_timestamp(min(created)) AS at FROM arriving_image),
kept AS (
    SELECT t.id, t.name, born.at,
           CASE WHEN t.id %% 100 = 0 THEN left('former ' || t.name, 255) ELSE t.name END AS first
    FROM tags_tag t, born WHERE t.id > %(tags_after)s
)
INSERT INTO tags_vocabularychange (
    at, kind, tag_id, name, old_name, user_name, through, change_id
)
SELECT at, 'created', id, first, '', '', 'benchmarks', %(change)s::uuid FROM kept
UNION ALL
SELECT at + (now() - at) * pg_temp.chance(id, 0, 15), 'renamed', id, name, first, '',
       'benchmarks', %(change)s::uuid
FROM kept WHERE name <> first
ORDER BY 1, 3
"""

# As the triggers would have written them, without holding all links in memory.
MADE = """
INSERT INTO tags_tagchange (
    image_id, tag_id, tag_name, new_value, user_name, changed_at, through, change_id
)
SELECT l.image_id, l.tag_id, t.name, l.value, '', l.created_at, 'benchmarks', %(change)s::uuid
FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id
WHERE l.image_id > %(after)s ORDER BY l.id
"""

# A link that was redone was so `times` times: at even steps, each with its share of chance.
# A tag that is gone is that of a link far away, so that it is as common and of no topic.
REDONE = """
WITH link AS NOT MATERIALIZED (
    SELECT id, image_id, tag_id, value, created_at FROM tags_imagetag WHERE image_id > %(after)s
),
limits AS (SELECT now() - interval '1 hour' AS until, %(lines)s / 4.0 AS share),
redone AS (
    SELECT l.image_id, l.tag_id, l.value, step,
           l.created_at + (until - l.created_at)
               * ((step - pg_temp.chance(l.image_id, l.tag_id, step)) / (2 * times)) AS changed_at
    FROM link l, limits,
        LATERAL (SELECT pg_temp.chance(l.image_id, l.tag_id, 0) AS drawn) d,
        LATERAL (
            SELECT CASE WHEN drawn < share * 0.2 THEN 2 WHEN drawn < share * 0.8 THEN 1 ELSE 0 END
                AS times
        ) t,
        LATERAL generate_series(1, 2 * times) step
    WHERE l.created_at < until
),
borrowed AS (
    SELECT image_id, created_at, pg_temp.chance(image_id, tag_id, 14) AS drawn,
           coalesce(lead(tag_id, 9973) OVER by_id, lag(tag_id, 9973) OVER by_id) AS tag_id
    FROM link WINDOW by_id AS (ORDER BY id)
),
gone AS (
    SELECT image_id, tag_id, created_at + (until - created_at) * least(first, second) AS begun,
           created_at + (until - created_at) * greatest(first, second) AS ended
    FROM (
        SELECT DISTINCT image_id, tag_id, created_at, until
        FROM borrowed b, limits
        -- One in seven is a tag that the image has today, or that is borrowed twice.
        WHERE drawn < share * 7 / 6 AND tag_id IS NOT NULL AND created_at < until
          AND NOT EXISTS (
              SELECT FROM link l WHERE l.image_id = b.image_id AND l.tag_id = b.tag_id)
    ) distinct_pair,
        LATERAL (SELECT pg_temp.chance(image_id, tag_id, 12) AS first,
                        pg_temp.chance(image_id, tag_id, 13) AS second) drawn
),
line AS (
    SELECT image_id, tag_id, NULL AS old_value, value AS new_value, created_at AS changed_at
    FROM link
    UNION ALL
    SELECT image_id, tag_id, CASE step %% 2 WHEN 1 THEN value END,
           CASE step %% 2 WHEN 0 THEN value END, changed_at
    FROM redone
    UNION ALL
    SELECT image_id, tag_id, NULL, '', begun FROM gone
    UNION ALL
    SELECT image_id, tag_id, '', NULL, ended FROM gone
)
INSERT INTO tags_tagchange (
    image_id, tag_id, tag_name, old_value, new_value, user_name, changed_at, through, change_id
)
SELECT line.image_id, line.tag_id,
       CASE WHEN changed_at < renamed.at THEN renamed.old_name ELSE tag.name END,
       old_value, new_value, '', changed_at, 'benchmarks', %(change)s::uuid
FROM line JOIN tags_tag tag ON tag.id = line.tag_id
LEFT JOIN tags_vocabularychange renamed ON renamed.tag_id = tag.id AND renamed.kind = 'renamed'
    AND renamed.change_id = %(change)s::uuid
ORDER BY changed_at, line.image_id, line.tag_id, new_value NULLS LAST
"""


def statements(lines: float) -> dict[str, str]:
    """What fills the ledgers, by what it makes; of links with `lines` each besides the first.

    They want `pg_temp.chance`, and the corpus in `arriving_image`, links and tags.
    """
    return {
        "lines of the vocabulary": VOCABULARY,
        "lines of the ledger": REDONE if lines else MADE,
    }
