"""The workplace by keys alone, in a real Chromium: what is pressed, and what images have then."""

import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from images import deletion
from images.inspection import thumbhash
from images.models import Image
from taggedimages.changes.models import Change
from taggedimages.factories import make_image, make_tag
from taggedimages.identity.models import User
from tags import tag_sets
from tags.admin.typed import typed_names, written
from tags.models import ImageTag
from tags.names import BadName

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GRID = "/admin/images/image/?view=grid"
# More than a page of the grid.
IMAGES = 63
GOAL = 70
KEYS_JS = Path(__file__).parents[2] / "static/taggedimages/admin/keys.js"
CURATING = Path(__file__).parents[3] / "docs/curating.md"

PASTE = """text => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text", text);
    const options = { clipboardData, bubbles: true, cancelable: true };
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", options));
}"""


class Keyboard:
    """Presses keys of a page, and counts them."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.presses = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.presses += 1
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.presses += len(text)
        self.page.keyboard.type(text)

    def says(self, *texts: str) -> None:
        """Waits for what the page says happened."""
        says = self.page.locator("#says")
        for text in texts:
            says.get_by_text(text, exact=False).wait_for()


def settled(page: Any) -> None:
    """Waits until the server has answered all that was asked for."""
    page.evaluate("import('/static/taggedimages/admin/post.js').then(({settled}) => settled())")


def tagged(name: str) -> set[int]:
    return set(ImageTag.objects.filter(tag__name=name).values_list("image", flat=True))


def newest(count: int, start: int = 0) -> list[int]:
    """The images as the grid has them."""
    images = Image.objects.order_by("-created_at", "-id").values_list("pk", flat=True)
    return list(images[start : start + count])


@pytest.fixture
def boss() -> User:
    user = User.objects.create_superuser("boss")
    tag_sets.write(user, {1: ["knee"], 2: ["left", "a, b"]})
    return user


@pytest.fixture
def few() -> list[int]:
    """Eight images, newest first."""
    for _ in range(8):
        make_image()
    return newest(8)


@pytest.fixture
def opened_grid(signed_in: Callable[..., Any], boss: User) -> Callable[..., Keyboard]:
    def open_grid(url: str = GRID) -> Keyboard:
        page = signed_in(boss)
        page.goto(url)
        page.wait_for_selector("#show-keys:visible")
        return Keyboard(page)

    return open_grid


# --- How many presses it takes --------------------------------------------------------------------


def test_sixty_pictures_are_looked_at_and_tagged_one_by_one_with_fewer_presses_than_the_goal(
    opened_grid: Callable[..., Keyboard],
) -> None:
    for _ in range(IMAGES):
        make_image()
    keys = opened_grid()
    keys.press("ArrowRight")
    keys.press(*["1"] * 60)
    settled(keys.page)
    keys.says("That was the last picture of the page.")
    assert tagged("knee") == set(newest(60))
    assert keys.presses == 61 <= GOAL
    # Each was told at once, and is a change of its own.
    assert keys.page.locator('#grid .chip[data-tag="knee"]').count() == 60
    assert Change.objects.filter(state="applied").count() == 60

    keys.press("u", "u")
    settled(keys.page)
    assert tagged("knee") == set(newest(58))

    # All of a page at once, and of the next.
    keys.presses = 0
    keys.press("a", "2")
    keys.says("Tagged 60 images: left, a, b.")
    assert keys.presses == 2
    assert tagged("left") == tagged("a, b") == set(newest(60))
    keys.press("n")
    keys.page.wait_for_url("**after=**")
    keys.press("a", ".")
    keys.says("Tagged 3 images", "60 selected on other pages: unchanged.")
    assert tagged("left") == set(newest(63))
    # Across pages, what was done is taken back.
    keys.press("u", "u")
    keys.says("Undone on 60 images.")
    assert tagged("left") == set()


def test_keys_that_are_pressed_at_once_are_done_one_after_the_other(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    keys = opened_grid()
    keys.press("ArrowRight", "Space", "1", "2", "u")
    keys.says("Undone on 1 image.")
    assert (tagged("knee"), tagged("left")) == ({few[0]}, set())
    keys.press("u", "u")
    keys.says("There is nothing to take back.")
    assert tagged("knee") == set()


def test_what_was_taken_back_is_done_again(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    keys = opened_grid()
    keys.press("ArrowRight", "1", "u")
    keys.page.get_by_role("button", name="Redo").click()
    keys.says("Undone on 1 image.")
    settled(keys.page)
    assert tagged("knee") == {few[0]}


# --- The selection --------------------------------------------------------------------------------


def selected(page: Any) -> list[int]:
    boxes = page.locator("input[name=_selected_action]:checked")
    return [int(box.get_attribute("value")) for box in boxes.all()]


def test_ranges_are_selected_by_arrows_by_space_and_by_clicks(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    keys = opened_grid()
    page = keys.page
    keys.press("ArrowRight", "ArrowRight", *["Shift+ArrowRight"] * 3)
    assert selected(page) == few[1:5]
    keys.press("Shift+ArrowLeft")
    assert selected(page) == few[1:4]
    page.locator("#selected-count", has_text="3 selected").wait_for()
    # What is selected already stays.
    keys.press("ArrowRight", "ArrowRight", "Space", "ArrowRight", "ArrowRight", "Shift+Space")
    assert selected(page) == few[1:4] + few[5:8]
    keys.press("a")
    assert selected(page) == few
    keys.press("a")
    assert selected(page) == []
    page.locator(f"label[for=select-{few[0]}]").click()
    page.locator(f"label[for=select-{few[2]}]").click(modifiers=["Shift"])
    assert selected(page) == few[:3]


def test_the_selection_survives_paging_searching_and_the_way_back(
    opened_grid: Callable[..., Keyboard],
) -> None:
    for _ in range(IMAGES):
        make_image()
    make_image("knee", filename="looked-for.png")
    first = newest(1)[0]
    keys = opened_grid()
    page = keys.page
    # Nobody waits for the server between two presses.
    keys.press("ArrowRight", "Space", "ArrowRight", "ArrowRight", "Space", "n")
    page.wait_for_url("**after=**")
    page.locator("#selected-count", has_text="2 selected").wait_for()
    keys.press("Space")
    page.locator("#selected-count", has_text="3 selected").wait_for()
    settled(page)
    page.go_back()
    page.locator("#selected-count", has_text="3 selected").wait_for()
    assert selected(page) == [newest(1)[0], newest(3)[2]]
    keys.press("/")
    keys.type("looked-for")
    keys.press("Enter")
    page.wait_for_url("**q=looked-for**")
    assert selected(page) == [first]
    assert page.locator("#selected-count").inner_text() == "3 selected"


def test_the_picture_that_was_opened_has_the_focus_on_the_way_back(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    keys = opened_grid()
    page = keys.page
    keys.press("ArrowRight", "ArrowRight", "Enter")
    page.wait_for_url(f"**/{few[1]}/change/**")
    page.go_back()
    page.locator(f"#select-{few[1]}:focus").wait_for()
    assert selected(page) == []


# --- The tag box ----------------------------------------------------------------------------------


def test_tags_are_typed_suggested_and_pasted(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    make_tag("kneecap")
    keys = opened_grid()
    page = keys.page
    chips = page.locator("#action .tagbox .chip .name")
    keys.press("ArrowRight", "t")
    keys.type("kn")
    page.get_by_role("option", name="kneecap").wait_for()
    box = page.get_by_role("combobox", name="Tags")
    assert box.get_attribute("aria-expanded") == "true"
    keys.press("ArrowDown")
    active = page.locator(".tagbox [aria-selected=true]").get_attribute("id")
    assert box.get_attribute("aria-activedescendant") == active
    keys.press("Enter")
    keys.type("hip,")
    page.locator(".chip.new", has_text="hip").wait_for()
    page.evaluate(PASTE, 'left\tright\r\n"a, b"; hip')
    assert chips.all_inner_texts() == ["kneecap", "hip", "left", "right", "a, b"]
    keys.press("Backspace", "Enter")
    keys.says("Tagged 1 image: kneecap, hip, left, right.")
    names = ImageTag.objects.filter(image=few[0]).values_list("tag__name", flat=True)
    assert sorted(names) == ["hip", "kneecap", "left", "right"]
    # And on with the keys.
    assert chips.count() == 0
    assert page.evaluate("document.activeElement.value") == str(few[0])
    keys.press("t", "Escape", "u")
    keys.says("Undone on 1 image.")


def test_what_is_not_all_in_sight_gets_a_plan(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    keys = opened_grid()
    page = keys.page
    keys.press("ArrowRight", "Space")
    page.locator("#id_across").check()
    page.locator("#grid").click(position={"x": 1, "y": 1})
    keys.press("t")
    keys.type("hip")
    keys.press("Enter", "Enter")
    page.wait_for_url("**/admin/changes/change/**")
    assert Change.objects.get().images == len(few)
    assert tagged("hip") == set()


def test_on_the_page_of_an_image_keys_are_of_that_image(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    keys = opened_grid()
    page = keys.page
    keys.press("ArrowRight", "Enter")
    page.wait_for_url(f"**/{few[0]}/change/**")
    chips = page.locator(f"#tags-{few[0]} .chip")
    keys.press("1")
    chips.filter(has_text="knee").wait_for()
    page.get_by_role("button", name="2 left").click()
    chips.filter(has_text="left").wait_for()
    keys.press("t")
    keys.type("hip")
    keys.press("Enter", "Enter")
    chips.filter(has_text="hip").wait_for()
    keys.press("Escape", "n")
    page.wait_for_url(f"**/{few[1]}/change/**")
    keys.press(".")
    keys.says("Tagged 1 image: left, a, b.")
    assert (tagged("knee"), tagged("hip")) == ({few[0]}, {few[0]})
    assert tagged("left") == {*few[:2]}


TYPED = [
    "",
    " knee ,left knee;\tright|a\r\nb\n",
    'a, "b, c", "d ""e""" , 5" screw',
    "Zu\u0308rich, Z\u00fcrich",
    '"open',
    '"a" b, c',
]
READ = """texts => import("/static/taggedimages/admin/typed.js").then(({ typedNames, written }) =>
    texts.map(text => {
        try {
            const names = typedNames(text);
            return [names, written(names)];
        } catch {
            return null;
        }
    }))"""


def read(text: str) -> list[Any] | None:
    try:
        found = typed_names(text)
    except BadName:
        return None
    return [found, written(found)]


PAINTED = """hash => import("/static/taggedimages/admin/thumbhash.js").then(({ pixels }) => {
    const { width, height, data } = pixels(hash);
    const at = (x, y) => [...data.slice(4 * (y * width + x)).slice(0, 4)];
    return [width, height, at(4, 4), at(width - 5, height - 5)];
})"""


def test_the_page_reads_names_and_thumbhashes_as_the_server_writes_them(
    opened_grid: Callable[..., Keyboard],
) -> None:
    page = opened_grid().page
    assert page.evaluate(READ, TYPED) == [read(text) for text in TYPED]
    picture = Picture.new("RGB", (100, 50), (20, 60, 200))
    picture.paste((240, 40, 40), (0, 0, 50, 50))
    hashed = b64encode(thumbhash.encode(picture)).decode()
    width, height, left, right = page.evaluate(PAINTED, hashed)
    # The shape is as the numbers of waves along its sides.
    assert (width, height) == (32, 18)
    for there, painted in (((240, 40, 40, 255), left), ((20, 60, 200, 255), right)):
        assert all(abs(a - b) < 60 for a, b in zip(there, painted, strict=True)), painted


# --- When keys are silent -------------------------------------------------------------------------


def test_keys_are_silent_while_somebody_types_and_with_others(
    opened_grid: Callable[..., Keyboard], few: list[int]
) -> None:
    keys = opened_grid()
    page = keys.page
    keys.press("ArrowRight")
    keys.press("Control+1", "Alt+1", "Meta+u", "Control+a")
    assert selected(page) == []
    keys.press("?", "1", "a", "Escape")
    keys.press("/")
    keys.type("1a.u?tnp ")
    assert page.locator("#searchbar").input_value() == "1a.u?tnp "
    keys.press("ArrowLeft")
    page.locator("#id_action").select_option("value")
    page.locator("#id_value").focus()
    keys.type("12 a?")
    assert page.locator("#id_value").input_value() == "12 a?"
    page.locator("#id_action").focus()
    keys.press("u")
    settled(page)
    assert (selected(page), Change.objects.count()) == ([], 0)
    assert page.locator("dialog[open]").count() == 0


def test_what_fails_changes_nothing_and_says_why(
    opened_grid: Callable[..., Keyboard], few: list[int], faults: list[str]
) -> None:
    keys = opened_grid()
    page = keys.page
    page.route("**/retag/", lambda route: route.abort())
    keys.press("ArrowRight", "1")
    keys.says("The server cannot be reached.")
    page.unroute("**/retag/")
    page.route("**/selection/", lambda route: route.fulfill(status=409, json={"says": "Too many."}))
    keys.press("Space")
    keys.says("Too many.")
    assert selected(page) == []
    page.unroute("**/selection/")
    deletion.delete(Image.objects.get(pk=few[1]))
    keys.press("1")
    keys.says("None of these images is there any more.")
    assert page.locator("#grid .chip").count() == 0
    keys.press("9")
    keys.says("There are no tags on the key 9 yet.")
    assert tagged("knee") == set()
    # A browser writes on its console that requests failed.
    assert [one for one in faults if "Failed to load" not in one and "409" not in one] == []
    faults.clear()


def test_help_and_boxes_are_fit_for_everybody(
    opened_grid: Callable[..., Keyboard], few: list[int], axe: Callable[[Any], None]
) -> None:
    make_tag("kneecap")
    keys = opened_grid()
    page = keys.page
    keys.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    axe(page)
    keys.press("Escape", "ArrowRight", "t")
    keys.type("hip,kn")
    page.get_by_role("option", name="kneecap").wait_for()
    axe(page)


def test_sets_are_edited_and_given_without_scripts(
    signed_in: Callable[..., Any], boss: User, few: list[int]
) -> None:
    page = signed_in(boss, java_script_enabled=False)
    page.goto(GRID)
    page.get_by_role("link", name="Edit sets").click()
    page.get_by_label("Key 3").fill('hip, "x, y"')
    page.get_by_role("button", name="Save").click()
    assert page.url.endswith(GRID)
    page.locator(f"#select-{few[3]}").check()
    page.get_by_role("button", name="3 hip").click()
    assert page.url.endswith(GRID)
    page.get_by_text("Tagged 1 image: hip, x, y.").wait_for()
    assert tagged("x, y") == {few[3]}


def test_the_docs_have_the_keys_that_the_page_knows() -> None:
    known = re.findall(r'^    \["(.*)", "(.*)"\],$', KEYS_JS.read_text(), re.MULTILINE)
    told = re.findall(r"^\| `(.*)` \| (.*) \|$", CURATING.read_text(), re.MULTILINE)
    assert len(known) > 10
    assert told == known
