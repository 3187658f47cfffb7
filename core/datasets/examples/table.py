"""The sets that are offered, with everything that a download is held against. No other address is ever fetched.

Bytes and SHA-256 are those that TensorFlow Datasets keeps for the same file, under
https://github.com/tensorflow/datasets/tree/master/tensorflow_datasets/ (the file is named at each entry). The licences are
from where the comment says.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Starter:
    """A set of pictures on the internet.

    `name` is its key and a folder name, `title` the name of the project that it becomes, `sentence` what it teaches;
    `bytes` and `sha256` (hex) are of the archive at `url`; `pictures` and `classes` count what comes out of it, before
    doubles are left out; `licence` says in words what may be done with them and whom to name.
    """

    name: str
    title: str
    sentence: str
    url: str
    bytes: int
    sha256: str
    licence: str
    pictures: int
    classes: int


_ALL = (
    # url_checksums/tf_flowers.txt (there with the http address of the same storage; the tutorial
    # https://www.tensorflow.org/tutorials/images/classification has this one). Licence: LICENSE.txt in the archive.
    Starter(
        name="flowers",
        title="Flowers",
        sentence="Photos of daisies, dandelions, roses, sunflowers and tulips, as many tutorials use them. Real photos: "
        "a few have a wrong label or no flower at all, so there is something to find.",
        url="https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
        bytes=228_813_984,
        sha256="4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
        licence="CC BY 2.0, each photo by its photographer on Flickr",
        pictures=3_670,
        classes=5,
    ),
    # url_checksums/rock_paper_scissors.txt, the smaller of its two files. Licence: https://laurencemoroney.com/datasets.html
    Starter(
        name="rock_paper_scissors",
        title="Rock, paper, scissors",
        sentence="Hands that were drawn by a computer, on white. Train with them, then hold your own hand before the "
        "webcam: does it still know?",
        url="https://storage.googleapis.com/download.tensorflow.org/data/rps-test-set.zip",
        bytes=29_516_758,
        sha256="c27ab9fa43ce40b2e453de711365b477f4424586edf0388116674fd320f07503",
        licence="CC BY 2.0, Laurence Moroney",
        pictures=372,
        classes=3,
    ),
    # url_checksums/horses_or_humans.txt, its training file. Licence: https://laurencemoroney.com/datasets.html
    Starter(
        name="horses_or_humans",
        title="Horses or humans",
        sentence="Horses and people that were drawn by a computer. Only two classes, which look easy; then try photos of "
        "real horses, and see what the computer went by.",
        url="https://storage.googleapis.com/download.tensorflow.org/data/horse-or-human.zip",
        bytes=149_574_867,
        sha256="e2e6f70d3d549c5dd10a57165e55af253ee66ad750403f95c0fb76bb943633a9",
        licence="CC BY 2.0, Laurence Moroney",
        pictures=1_027,
        classes=2,
    ),
    # url_checksums/beans.txt, its training file. Licence: https://github.com/AI-Lab-Makerere/ibean (LICENSE, README.md)
    Starter(
        name="beans",
        title="Bean leaves",
        sentence="Leaves from bean fields in Uganda, photographed with a phone: healthy, or with one of two diseases. "
        "A real task, and a hard one: look closely.",
        url="https://storage.googleapis.com/ibeans/train.zip",
        bytes=143_812_152,
        sha256="284fe8456ce20687f4367ae7ad94a64577e7f9fde2c2c6b1c74340ab5dc82715",
        licence="MIT, AIR Lab Makerere University",
        pictures=1_034,
        classes=3,
    ),
    # url_checksums/cifar10.txt. https://www.cs.toronto.edu/~kriz/cifar.html states no licence, and asks to cite the report.
    Starter(
        name="cifar10",
        title="CIFAR-10",
        sentence="Ten classes, from airplanes to trucks, in tiny pictures of 32 x 32 pixels: how much can be told from "
        "how little? The first 500 of each class are taken.",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        bytes=170_052_171,
        sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        licence="no licence is stated; its makers ask to be cited: Krizhevsky, Learning Multiple Layers of Features from "
        "Tiny Images, 2009",
        pictures=5_000,
        classes=10,
    ),
)

STARTERS: dict[str, Starter] = {starter.name: starter for starter in _ALL}
"""The sets that are offered, by name."""
