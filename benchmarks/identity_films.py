"""Films of known people for `identities.py`: heads from real clips and pictures in a made room, frame by frame.

The people are put where their faces are to be, so that a frame's true faces, boxes and cuts are known. A film is a
function that yields its frames; the names of its parameters are those of the people that it needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

RATE = 25


@dataclass(frozen=True, eq=False)
class Person:
    """A person's clip or picture.

    Attributes:
        name: What films call the person.
        images: uint8 (H, W, 3), RGB.
        boxes: Of the face, float64 (N, 4), one per image.
    """

    name: str
    images: Sequence[np.ndarray]
    boxes: np.ndarray

    def at(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The image and the box of a frame; a clip goes forwards and backwards without end."""
        last = len(self.images) - 1
        index = last - abs(last - number % (2 * last)) if last else 0
        return self.images[index], self.boxes[index]


@dataclass(frozen=True, eq=False)
class TrueFace:
    """A face that a frame shows: whose it is, its box (4,), and the share of it that is seen."""

    person: str
    box: np.ndarray
    visible: float


class Shot:
    """A frame that is being made.

    Attributes:
        image: uint8 (H, W, 3), RGB.
        cut: Whether it does not continue the frame before.
    """

    def __init__(self, background: np.ndarray, cut: bool = False) -> None:
        self.image, self.cut = background.copy(), cut
        self._owners = np.full(background.shape[:2], -1)
        self._faces: list[tuple[str, np.ndarray]] = []
        self._clearness = 1.0

    @property
    def faces(self) -> list[TrueFace]:
        """The faces put into it."""
        height, width = self.image.shape[:2]
        faces = []
        for number, (person, box) in enumerate(self._faces):
            x1, y1, x2, y2 = np.clip(box, 0, [width, height, width, height]).round().astype(int)
            seen = np.count_nonzero(self._owners[y1:y2, x1:x2] == number) / (box[2:] - box[:2]).prod()
            faces.append(TrueFace(person, np.array([x1, y1, x2, y2], float), float(seen) * self._clearness))
        return faces

    def put(
        self,
        person: Person,
        number: int,
        x: float,
        y: float,
        height: float,
        *,
        whole: bool = False,
        mirrored: bool = False,
    ) -> Shot:
        """Put somebody before what is there.

        Args:
            person: Who.
            number: Frame of the person's clip.
            x: Where the middle of the face is to be, in pixels.
            y: Likewise.
            height: Of the face in pixels.
            whole: Whether to put the whole picture there, and not the head alone.
            mirrored: Whether as in a mirror.

        Returns:
            The frame itself.
        """
        image, box = person.at(number)
        middle = np.median(person.boxes, axis=0)
        centre, tall = (middle[:2] + middle[2:]) / 2, middle[3] - middle[1]
        phase = number / 9 + x / 100  # nobody sits as still as a photograph
        scale = height / tall * (1 + 0.02 * np.sin(phase / 2))
        if scale < 0.8:  # as an area, or fine patterns would flicker
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            box, centre, tall, scale = box * scale, centre * scale, tall * scale, 1.0
        turn = cv2.getRotationMatrix2D(centre.tolist(), 2.5 * np.sin(phase), scale)
        if mirrored:
            turn[0] = -turn[0]
            turn[0, 2] += 2 * centre[0]
        turn[:, 2] += (x, y) - centre
        size = self.image.shape[1], self.image.shape[0]
        warped = cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE)
        mask = np.ones(image.shape[:2], np.float32) if whole else head(image.shape[:2], centre, tall)
        mask = cv2.warpAffine(mask, turn, size, borderMode=cv2.BORDER_REPLICATE if whole else cv2.BORDER_CONSTANT)
        self._owners[mask > 0.5] = len(self._faces)
        self.image = (self.image + (warped - self.image.astype(np.float32)) * mask[..., None]).round().astype(np.uint8)
        corners = box[[0, 2, 0, 2]], box[[1, 1, 3, 3]]
        xs, ys = turn @ np.stack([*corners, np.ones(4)])
        self._faces.append((person.name, np.array([xs.min(), ys.min(), xs.max(), ys.max()])))
        return self

    def seen(self, clearness: float) -> Shot:
        """Say how well its faces are seen, as a share, where something else covers them."""
        self._clearness = clearness
        return self

    def lit(self, change: Callable[[np.ndarray], np.ndarray]) -> Shot:
        """Change the light; `change` takes and returns an image (H, W, 3) in [0, 1]."""
        self.image = (np.clip(change(self.image / np.float32(255)), 0, 1) * 255).round().astype(np.uint8)
        return self


def head(size: tuple[int, ...], centre: np.ndarray, tall: float) -> np.ndarray:
    """A soft mask (H, W) in [0, 1] of the head around a face."""
    mask = np.zeros(size, np.float32)
    middle = int(centre[0]), int(centre[1] - 0.08 * tall)
    cv2.ellipse(mask, middle, (int(0.56 * tall), int(0.72 * tall)), 0, 0, 360, (1.0,), -1)
    margin = max(int(0.03 * tall), 1)
    mask[:margin] = mask[-margin:] = mask[:, :margin] = mask[:, -margin:] = 0
    return cv2.GaussianBlur(mask, (0, 0), 0.03 * tall)


def grey(image: np.ndarray) -> np.ndarray:
    """As cameras at night see it."""
    return np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)


def dark(stops: float) -> Callable[[np.ndarray], np.ndarray]:
    """Less light by so many stops."""
    return lambda image: ((image**2.2) / 2**stops) ** (1 / 2.2)


@dataclass(frozen=True)
class Film:
    """A film that can be made.

    Attributes:
        name: Of the film.
        make: Makes its frames out of the people whose names its parameters have.
        rate: Frames per second.
    """

    name: str
    make: Callable[..., Iterator[Shot]]
    rate: int

    @property
    def roles(self) -> list[str]:
        """Names of the people that it needs."""
        return list(inspect.signature(self.make).parameters)

    def shots(self, people: Mapping[str, Person]) -> Iterator[Shot]:
        """Make the frames; every one has some noise, as a camera's have."""
        noise = np.random.default_rng(0)
        for shot in self.make(*(people[role] for role in self.roles)):
            spread = noise.normal(0, 2, (*shot.image.shape[:2], 1))
            shot.image = np.clip(shot.image + spread, 0, 255).round().astype(np.uint8)
            yield shot


FILMS: dict[str, Film] = {}


def film(rate: int = RATE) -> Callable[[Callable[..., Iterator[Shot]]], Callable[..., Iterator[Shot]]]:
    """Make a film of a function that yields its frames."""

    def register(make: Callable[..., Iterator[Shot]]) -> Callable[..., Iterator[Shot]]:
        name = make.__name__.replace("_", "-")
        FILMS[name] = Film(name, make, rate)
        return make

    return register


@cache
def room(width: int = 640, height: int = 360) -> np.ndarray:
    """A room without anybody: a wall with a lamp's light on it, uint8 (H, W, 3)."""
    grain = np.random.default_rng(1).normal(0, 1, (height // 40, width // 4)).astype(np.float32)
    wall = cv2.GaussianBlur(cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC), (0, 0), 3)
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    lamp = np.exp(-((x - 0.2) ** 2 + (y + 0.5) ** 2))
    colours = (wall * 12 + 60 + 90 * lamp)[..., None] * np.array([1.0, 0.93, 0.84])
    return np.asarray(np.clip(colours, 0, 255).astype(np.uint8))


def path(number: int, *points: tuple[float, float]) -> float:
    """Where somebody is in a frame, who goes from point to point (frame, place)."""
    frames, places = zip(*points, strict=True)
    return float(np.interp(number, frames, places))


@film()
def two(man: Person, woman: Person) -> Iterator[Shot]:
    """Two people side by side."""
    for t in range(100):
        yield Shot(room()).put(man, t, 170, 190, 150).put(woman, t, 470, 190, 150)


@film()
def three(man: Person, woman: Person, astronaut: Person) -> Iterator[Shot]:
    """Three people side by side."""
    for t in range(100):
        yield Shot(room()).put(man, t, 110, 190, 130).put(woman, t, 320, 180, 130).put(astronaut, t, 530, 190, 130)


@film()
def four(man: Person, woman: Person, astronaut: Person, friend5: Person) -> Iterator[Shot]:
    """Four people side by side, in a larger picture."""
    for t in range(80):
        shot = Shot(room(1280, 720))
        for place, one in enumerate((man, woman, astronaut, friend5)):
            shot.put(one, t, 170 + 313 * place, 360 + 20 * (place % 2), 190)
        yield shot


@film()
def small(man: Person, woman: Person, astronaut: Person) -> Iterator[Shot]:
    """Three small faces, of some 55 pixels' width."""
    for t in range(80):
        yield Shot(room()).put(man, t, 150, 190, 76).put(woman, t, 320, 190, 76).put(astronaut, t, 490, 190, 76)


@film()
def cross(man: Person, woman: Person) -> Iterator[Shot]:
    """Two people exchange their places; one passes before the other."""
    for t in range(100):
        x = path(t, (20, 120), (80, 520))
        yield Shot(room()).put(woman, t, 640 - x, 185, 150).put(man, t, x, 190, 150)


@film()
def cross_grey(friend2: Person, friend4: Person) -> Iterator[Shot]:
    """The same with two who look like each other, at night."""
    for t in range(100):
        x = path(t, (20, 120), (80, 520))
        yield Shot(room()).put(friend2, t, 640 - x, 185, 150).put(friend4, t, x, 190, 150).lit(grey)


@film()
def meet(man: Person, woman: Person) -> Iterator[Shot]:
    """Two people come together, one covers the other, and both go back to where they came from."""
    for t in range(120):
        x = path(t, (15, 130), (50, 310), (70, 310), (105, 130))
        yield Shot(room()).put(woman, t, 640 - x, 185, 150).put(man, t, x, 190, 150)


@film()
def overtake(man: Person, woman: Person) -> Iterator[Shot]:
    """Two go the same way; one overtakes the other slowly, and covers half of the face for long."""
    for t in range(140):
        yield Shot(room()).put(woman, t, 170 + 2 * t, 180, 150).put(man, t, path(t, (0, 100), (139, 560)), 195, 150)


def carousel(people: Sequence[Person], frames: int) -> Iterator[Shot]:
    """People go round in a circle, and pass before and behind each other again and again."""
    for t in range(frames):
        angles = [2 * np.pi * (t / 80 + place / len(people)) for place in range(len(people))]
        shot = Shot(room())
        for angle, one in sorted(zip(angles, people, strict=True), key=lambda pair: float(np.sin(pair[0]))):
            shot.put(one, t, 320 + 210 * np.cos(angle), 185 + 15 * np.sin(angle), 130 + 15 * np.sin(angle))
        yield shot


@film()
def carousel_three(man: Person, woman: Person, astronaut: Person) -> Iterator[Shot]:
    """Three people go round in a circle."""
    yield from carousel([man, woman, astronaut], 160)


@film()
def carousel_grey(friend2: Person, friend4: Person, friend5: Person) -> Iterator[Shot]:
    """The same with three who look like each other, at night."""
    for shot in carousel([friend2, friend4, friend5], 160):
        yield shot.lit(grey)


@film()
def passer(man: Person, woman: Person, astronaut: Person) -> Iterator[Shot]:
    """Somebody walks through the picture before two who sit."""
    for t in range(120):
        x = path(t, (15, -120), (105, 760))
        yield Shot(room()).put(man, t, 190, 180, 140).put(woman, t, 450, 180, 140).put(astronaut, t, x, 195, 160)


def away(seconds: int, man: Person, woman: Person) -> Iterator[Shot]:
    """One of two leaves, and comes back to the same place."""
    gone = 45 + 10 * seconds
    for t in range(gone + 45):
        x = path(t, (30, 470), (45, 770), (gone, 770), (gone + 15, 470))
        yield Shot(room()).put(man, 3 * t, 170, 190, 150).put(woman, 2 * t, x, 190, 150)


@film(rate=10)
def away_5(man: Person, woman: Person) -> Iterator[Shot]:
    """One of two leaves for 5 s."""
    yield from away(5, man, woman)


@film(rate=10)
def away_20(man: Person, woman: Person) -> Iterator[Shot]:
    """One of two leaves for 20 s."""
    yield from away(20, man, woman)


@film(rate=10)
def away_60(man: Person, woman: Person) -> Iterator[Shot]:
    """One of two leaves for 60 s."""
    yield from away(60, man, woman)


@film(rate=10)
def swap(man: Person, woman: Person) -> Iterator[Shot]:
    """Two people leave, and come back to each other's places."""
    for t in range(130):
        x = path(t, (25, 170), (40, -130), (60, -130), (61, 770), (75, 470))
        yield Shot(room()).put(man, 3 * t, x, 190, 150).put(woman, 2 * t, 640 - x, 185, 150)


@film()
def chairs(friend1: Person, friend2: Person, friend3: Person, friend4: Person, friend5: Person) -> Iterator[Shot]:
    """Five friends, one of them with sunglasses, nobody for a second, and the five in other places; twice."""
    for turn, order in enumerate(((0, 1, 2, 3, 4), (3, 4, 0, 1, 2), (4, 2, 1, 0, 3))):
        for t in range(40):
            shot = Shot(room(1280, 720), cut=turn > 0 and t == 0)
            for place, number in enumerate(order):
                shot.put((friend1, friend2, friend3, friend4, friend5)[number], t, 150 + 245 * place, 360, 150)
            yield shot
        for t in range(25 if turn < 2 else 0):
            yield Shot(room(1280, 720), cut=t == 0)


@film()
def successor(man: Person, woman: Person) -> Iterator[Shot]:
    """Somebody leaves a chair, and somebody else takes it, at night."""
    for t in range(115):
        shot = Shot(room())
        if not 50 <= t < 65:
            shot.put(man if t < 50 else woman, t, 320, 190, 170)
        shot.cut = t in (50, 65)
        yield shot.lit(grey)


def alternating(pictures: Sequence[tuple[Person, int]], length: int) -> Iterator[Shot]:
    """Hard cuts from picture to picture, each of a person and from a frame of the clip on, face upon face."""
    for number, (person, first) in enumerate(pictures):
        for t in range(length):
            yield Shot(room(), cut=number > 0 and t == 0).put(person, first + t, 320, 180, 200, whole=True)


@film()
def cut(man: Person, woman: Person) -> Iterator[Shot]:
    """Hard cuts from one person to another in the same place, and back."""
    yield from alternating([(man, 0), (woman, 0), (man, 30), (woman, 30)], 30)


@film()
def cut_grey(man: Person, woman: Person) -> Iterator[Shot]:
    """The same at night."""
    for shot in alternating([(man, 0), (woman, 0), (man, 30), (woman, 30)], 30):
        yield shot.lit(grey)


@film()
def dissolve(man: Person, woman: Person) -> Iterator[Shot]:
    """One picture fades into the other, face upon face, and back; for a moment, neither is seen well."""
    for t in range(130):
        share = path(t, (40, 0), (48, 1), (85, 1), (93, 0))
        first, second = (Shot(room()).put(one, t, 320, 180, 200, whole=True) for one in (man, woman))
        shot = first if share < 0.5 else second
        mixed = first.image + share * (second.image - first.image.astype(float))
        shot.image = mixed.round().astype(np.uint8)
        yield shot.seen(abs(2 * share - 1))


@film()
def turnstile(
    man: Person,
    woman: Person,
    astronaut: Person,
    friend1: Person,
    friend2: Person,
    friend3: Person,
    friend4: Person,
    friend5: Person,
) -> Iterator[Shot]:
    """Eight people in the same place, one after the other, twice; the second time nearer."""
    people = (man, woman, astronaut, friend1, friend2, friend3, friend4, friend5)
    for number, one in enumerate(people + people[::-1]):
        for t in range(18):
            yield Shot(room(), cut=number > 0 and t == 0).put(one, t, 320, 190, 140 if number < 8 else 190)


@film()
def talk(photo: Person, woman: Person, astronaut: Person) -> Iterator[Shot]:
    """Cuts between three people and a long shot of all three."""
    for number, who in enumerate((photo, woman, None, astronaut, photo, astronaut, woman, None)):
        for t in range(18):
            shot = Shot(room(), cut=number > 0 and t == 0)
            if who is None:
                shot.put(woman, 100 + t, 110, 190, 110).put(astronaut, t, 320, 190, 110).put(photo, t, 530, 190, 110)
            else:
                shot.put(who, 20 * number + t, 300 + 20 * (number % 3), 185, 190, whole=True)
            yield shot


@film()
def jump(woman: Person) -> Iterator[Shot]:
    """Jump cuts: the same person a while later, nearer or farther."""
    for number, (first, x, height) in enumerate(((0, 320, 180), (250, 300, 240), (100, 380, 150), (380, 320, 200))):
        for t in range(30):
            yield Shot(room(), cut=number > 0 and t == 0).put(woman, first + t, x, 185, height, whole=True)


@film()
def light(man: Person, woman: Person) -> Iterator[Shot]:
    """The light goes down slowly, is switched on, is too much, and changes its colour."""
    for t in range(160):
        shot = Shot(room()).put(man, t, 170, 190, 150).put(woman, t, 470, 190, 150)
        if t < 60:
            shot.lit(dark(path(t, (10, 0), (59, 2.5))))
        elif 90 <= t < 120:
            shot.lit(dark(-1.2))
        elif t >= 120:
            shot.lit(lambda image: image * np.array([0.7, 0.9, 1.25], np.float32))
        yield shot


@film()
def night(man: Person, woman: Person) -> Iterator[Shot]:
    """A camera goes over to its night mode, and back."""
    for t in range(130):
        shot = Shot(room()).put(man, t, 170, 190, 150).put(woman, t, 470, 190, 150)
        yield shot.lit(lambda image: grey(dark(1.0)(image))) if 45 <= t < 90 else shot


@film(rate=10)
def dusk(man: Person, woman: Person, astronaut: Person) -> Iterator[Shot]:
    """Three leave a bright room together, and come back in other places, farther away, in its night light."""
    for t in range(120):
        x = path(t, (25, 0), (40, 640), (70, 640), (71, -640), (86, 0))
        height = 140 if t < 60 else 100
        order = (man, woman, astronaut) if t < 60 else (woman, astronaut, man)
        shot = Shot(room())
        for place, one in enumerate(order):
            shot.put(one, 2 * t, 110 + 210 * place + x, 190, height)
        yield shot if t < 60 else shot.lit(lambda image: grey(dark(1.5)(image)))


@film(rate=10)
def blurred(man: Person, woman: Person) -> Iterator[Shot]:
    """Two people before a lens out of focus; both leave for 3 s, and come back to each other's places."""
    for t in range(120):
        x = path(t, (25, 170), (40, -130), (60, -130), (61, 770), (75, 470))
        shot = Shot(room()).put(man, 3 * t, x, 190, 150).put(woman, 2 * t, 640 - x, 185, 150)
        yield shot.lit(lambda image: cv2.GaussianBlur(image, (0, 0), 2.5))


@film()
def turn(woman: Person, man: Person) -> Iterator[Shot]:
    """Somebody turns and bows the head, with a hand before the face for a while, beside another."""
    for t in range(236):
        yield Shot(room()).put(woman, 2 * t, 180, 190, 170).put(man, t, 480, 190, 150)


@film()
def mirror(man: Person) -> Iterator[Shot]:
    """Somebody beside a mirror: the same face twice."""
    for t in range(80):
        yield Shot(room()).put(man, t, 170, 190, 140).put(man, t, 470, 190, 140, mirrored=True)


@film()
def call(man: Person) -> Iterator[Shot]:
    """The same face four times, as in a video call with oneself."""
    for t in range(80):
        shot = Shot(room(1280, 720))
        for place in range(4):
            shot.put(man, t + 17 * place, 320 + 640 * (place % 2), 200 + 330 * (place // 2), 180)
        yield shot


@film()
def screen(man: Person) -> Iterator[Shot]:
    """Somebody passes a screen that shows him."""
    for t in range(110):
        yield Shot(room()).put(man, t, 450, 110, 80).put(man, t, path(t, (20, 170), (100, 470)), 200, 170)
