"""What PostgreSQL itself needs for a search: the floor that the service is measured against.

Of the designs that were tried, the fastest for each kind of query, in a database of its own:

* a page comes from the links by tag, in the images' order: by id where ids follow time, else from
  links that carry the time; of several tags the rarest leads, the others are probed for; for a
  prefix, the newest of each tag are merged;
* a page's tags come from an array on the image;
* totals come from counters, or from bitmaps of 8,192 images for tags on more than 1 image in 256
  and from links for the others.

There is no visibility, no HTTP, no serialising but the tags' JSON, and nothing is ever written.
"""

from typing import Any

from benchmarks.corpus import Corpus, Question

BLOCK = 8192
# A tag on more than one image in so many has a bitmap.
HEAVY = 256

ARRIVAL = """
CREATE UNLOGGED TABLE arriving (
    id int, filename text, size bigint, created bigint, uploaded bigint
);
CREATE TABLE tag (id int PRIMARY KEY, name text NOT NULL, uses int NOT NULL DEFAULT 0);
CREATE TABLE link (image_id int NOT NULL, tag_id int NOT NULL);
"""

DESIGN = f"""
ALTER TABLE link ADD PRIMARY KEY (image_id, tag_id);
CREATE INDEX link_by_tag ON link (tag_id, image_id);
CREATE UNIQUE INDEX tag_by_name ON tag (name text_pattern_ops);
CREATE TABLE image AS
    SELECT id, filename, size, to_timestamp(created) AS created,
           to_timestamp(uploaded) AS uploaded, coalesce(tag_ids, '{{}}') AS tag_ids
    FROM arriving LEFT JOIN (
        SELECT image_id, array_agg(tag_id ORDER BY tag_id) AS tag_ids FROM link GROUP BY 1
    ) tags ON image_id = id
    ORDER BY id;
DROP TABLE arriving;
ALTER TABLE image ADD PRIMARY KEY (id);
CREATE INDEX image_by_time ON image (created, id);
CREATE TABLE whole AS
    SELECT count(*) AS images, bool_and(in_order) AS in_order
    FROM (SELECT id > lag(id, 1, 0) OVER (ORDER BY created, id) AS in_order FROM image) i;
CREATE TABLE dated_link AS
    SELECT tag_id, created, image_id FROM link JOIN image ON id = image_id ORDER BY image_id;
ALTER TABLE dated_link ADD PRIMARY KEY (tag_id, created, image_id);
UPDATE tag SET uses = counted.uses
    FROM (SELECT tag_id, count(*) AS uses FROM link GROUP BY 1) counted WHERE id = tag_id;
CREATE TABLE bitmap AS
    SELECT tag_id, image_id / {BLOCK} AS block,
           bit_or(set_bit(repeat('0', {BLOCK})::bit({BLOCK}), image_id & {BLOCK - 1}, 1)) AS bits
    FROM link JOIN tag ON id = tag_id WHERE uses > (SELECT images / {HEAVY} FROM whole)
    GROUP BY 1, 2;
ALTER TABLE bitmap ADD PRIMARY KEY (tag_id, block);
"""

PAGE = """
SELECT filename, extract(epoch FROM created)::bigint, uploaded, size, array_to_json(tag_ids)::text
FROM ({ids}) page JOIN image ON image.id = page.image_id ORDER BY created DESC, image.id DESC
"""
NEWEST = "SELECT id AS image_id FROM image ORDER BY created DESC, id DESC {cut}"
OF_TAGS = "SELECT a.image_id FROM {links} a WHERE a.tag_id = %(tag0)s {more} ORDER BY {order} {cut}"
OF_ANY = """
SELECT image_id FROM (
    SELECT DISTINCT {key} FROM unnest(%(ids)s) wanted(id), LATERAL (
        SELECT {key} FROM {links} WHERE tag_id = wanted.id ORDER BY {order} LIMIT %(end)s
    ) newest
) merged ORDER BY {order} {cut}
"""
CUT = "LIMIT %(limit)s OFFSET %(offset)s"
# OFFSET 0 keeps a probe from becoming a join.
PROBE = (
    "AND EXISTS ("
    "SELECT FROM link b WHERE b.image_id = a.image_id AND b.tag_id = %({tag})s OFFSET 0)"
)
WINDOW = "AND a.created >= to_timestamp(%(first)s) AND a.created < to_timestamp(%(last)s)"

COUNT_ALL = "SELECT images FROM whole"
COUNT_ONE = "SELECT uses FROM tag WHERE id = %(tag0)s"
COUNT_DATED = f"SELECT count(*) FROM dated_link a WHERE a.tag_id = %(tag0)s {WINDOW}"
COUNT_FEW = "SELECT count(*) FROM link a {joins} WHERE a.tag_id = %(tag0)s"
LIGHT_TOO = "JOIN link {b} ON {b}.tag_id = %({tag})s AND {b}.image_id = a.image_id"
HEAVY_TOO = (
    "JOIN bitmap {b} ON {b}.tag_id = %({tag})s"
    f" AND {{b}}.block = a.image_id / {BLOCK} AND get_bit({{b}}.bits, a.image_id & {BLOCK - 1}) = 1"
)
COUNT_MANY = (
    "SELECT coalesce(sum(bit_count({both})), 0) FROM bitmap a {joins} WHERE a.tag_id = %(tag0)s"
)
COUNT_ANY_FEW = "SELECT count(DISTINCT image_id) FROM link WHERE tag_id = ANY(%(ids)s)"
COUNT_ANY = f"""
WITH often AS MATERIALIZED (
    SELECT block, bit_or(bits) AS bits FROM bitmap WHERE tag_id = ANY(%(ids)s) GROUP BY 1
)
SELECT (SELECT coalesce(sum(bit_count(bits)), 0) FROM often) + (
    SELECT count(DISTINCT image_id) FROM link LEFT JOIN often ON block = image_id / {BLOCK}
    WHERE tag_id = ANY(%(light)s) AND coalesce(get_bit(bits, image_id & {BLOCK - 1}), 0) = 0
)
"""

Values = dict[str, Any]


class Floor:
    """The floor's database, over one connection without parallel workers."""

    def __init__(self, connection: Any) -> None:
        connection.autocommit = True
        self.cursor = connection.cursor()

    def build(self, corpus: Corpus) -> None:
        """Load a corpus into the designs."""
        self.cursor.execute(ARRIVAL)
        files = {"arriving": corpus.images, "tag (id, name)": corpus.tags, "link": corpus.links}
        for table, file in files.items():
            with file.open() as rows:
                self.cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv)", rows)
        self.cursor.execute("SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'")
        self.cursor.execute(DESIGN)
        self.cursor.execute("RESET maintenance_work_mem; RESET work_mem")
        self.cursor.execute("VACUUM ANALYZE")
        self.open()

    def open(self) -> None:
        """Learn what the statements depend on."""
        self.cursor.execute("SELECT images, in_order FROM whole")
        images, in_order = self.cursor.fetchone()
        self.heavy_above = images // HEAVY
        self.links, self.key, self.order = (
            ("link", "image_id", "image_id DESC")
            if in_order
            else ("dated_link", "created, image_id", "created DESC, image_id DESC")
        )

    def knows(self, asked: Question) -> bool:
        """Whether there is a floor for a question: one of tags and times alone."""
        plain = Question(
            asked.total,
            asked.tags,
            asked.prefix,
            asked.created_from,
            asked.created_to,
            asked.offset,
            asked.limit,
        )
        return asked == plain and (len(asked.tags) == 1 or asked.created_from is None)

    def resolve(self, asked: Question) -> Values:
        """The tags of a question by id, the rarest first, and all else that statements need."""
        if asked.prefix:
            escaped = asked.prefix.replace("_", r"\_")
            self.cursor.execute("SELECT uses, id FROM tag WHERE name LIKE %s", [f"{escaped}%"])
        elif asked.tags:
            named = "SELECT uses, id FROM tag WHERE name = ANY(%s)"
            self.cursor.execute(named, [list(asked.tags)])
        found = sorted(self.cursor.fetchall()) if asked.prefix or asked.tags else []
        return {
            "ids": [tag for _, tag in found],
            "light": [tag for uses, tag in found if uses <= self.heavy_above],
            "offset": asked.offset,
            "limit": asked.limit,
            "end": asked.offset + asked.limit,
            "first": asked.created_from,
            "last": asked.created_to,
            **{f"tag{at}": tag for at, (_, tag) in enumerate(found)},
        }

    def page(self, asked: Question, values: Values) -> list[tuple[Any, ...]]:
        """The records of the page: filename, created, uploaded, size, ids of tags as JSON."""
        if asked.prefix:
            ids = OF_ANY.format(key=self.key, links=self.links, order=self.order, cut=CUT)
        elif not asked.tags:
            ids = NEWEST.format(cut=CUT)
        else:
            ids = self._of_tags(asked)
        self.cursor.execute(PAGE.format(ids=ids), values)
        rows: list[tuple[Any, ...]] = self.cursor.fetchall()
        return rows

    def count(self, asked: Question, values: Values) -> int:
        """The exact total."""
        self.cursor.execute(count_statement(asked, values), values)
        return int(self.cursor.fetchone()[0])

    def _of_tags(self, asked: Question) -> str:
        more = " ".join(PROBE.format(tag=f"tag{at}") for at in range(1, len(asked.tags)))
        if asked.created_from is None:
            return OF_TAGS.format(links=self.links, more=more, order=self.order, cut=CUT)
        order = "created DESC, image_id DESC"
        return OF_TAGS.format(links="dated_link", more=f"{more} {WINDOW}", order=order, cut=CUT)


def count_statement(asked: Question, values: Values) -> str:
    """The fastest way to the total of a question."""
    ids, light = values["ids"], values["light"]
    if asked.prefix:
        return COUNT_ANY_FEW if ids == light else COUNT_ANY
    if not asked.tags:
        return COUNT_ALL
    if asked.created_from is not None:
        return COUNT_DATED
    if len(ids) == 1:
        return COUNT_ONE
    others = range(1, len(ids))
    if light:
        joins = [
            (LIGHT_TOO if ids[at] in light else HEAVY_TOO).format(b=f"b{at}", tag=f"tag{at}")
            for at in others
        ]
        return COUNT_FEW.format(joins=" ".join(joins))
    joins = [
        f"JOIN bitmap b{at} ON b{at}.block = a.block AND b{at}.tag_id = %(tag{at})s"
        for at in others
    ]
    both = " & ".join(["a.bits", *(f"b{at}.bits" for at in others)])
    return COUNT_MANY.format(both=both, joins=" ".join(joins))
